"""The command `regulars examples`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from regulars.errors import SettingsError
from regulars_workbench import console
from regulars_workbench.resources import resource


def examples(out: Annotated[Path, typer.Option(help="folder to make")] = Path("examples")) -> None:
    """Copy the example catalogue of actions and the example maps, to edit them."""
    if out.exists():
        raise SettingsError(f"{out} exists; choose another folder with --out")
    shutil.copytree(resource("examples"), out)
    for file in sorted(out.rglob("*.toml")):
        console.say(str(file))
