"""The command `regulars publish`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.options import BundleFolder


def publish(
    bundle: BundleFolder,
    prices: Annotated[Path, typer.Option(help="price list that `regulars plan --prices` wrote")],
    out: Annotated[Path, typer.Option(help="bundle folder to write; may be the same")],
) -> None:
    """Put a plan's prices into a bundle, so that POST /recommend decides by them."""
    from regulars_training.export.publish import publish as run

    written = run(Bundle(bundle), prices, out)
    console.say(f"Wrote {out}: bundle {written.manifest.bundle} recommends by {prices}")
