"""The command `regulars models`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.models import bundle_tables


def models(bundle: Annotated[Path, typer.Argument(help="bundle folder made by train")]) -> None:
    """Show a bundle: what it is, how good its models are, and that its files are unchanged since training."""
    opened = Bundle(bundle)
    opened.verify()
    bundle_tables.show_bundle(opened.manifest)
    rows = [(name, entry.bytes, entry.sha256[:12]) for name, entry in opened.manifest.files.items()]
    console.table("Files (all verified)", ("file", ">bytes", "SHA-256"), rows)
