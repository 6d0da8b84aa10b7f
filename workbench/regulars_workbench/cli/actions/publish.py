"""The command `regulars publish`."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.options import BundleFolder


def publish(
    bundle: BundleFolder,
    prices: Annotated[Path, typer.Option(help="shadow prices written by plan --prices")],
    out: Annotated[Path, typer.Option(help="bundle folder to write; may be the same as --bundle")],
) -> None:
    """Add a plan's shadow prices to a bundle, so that POST /recommend can decide."""
    from regulars_training.export.publish import publish as run

    written = run(Bundle(bundle), prices, out)
    console.say(f"Wrote {out}: bundle {written.manifest.bundle} recommends by {prices}")
