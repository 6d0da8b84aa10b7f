"""The command `regulars invoke`."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from regulars_workbench import console
from regulars_workbench.cli.options import BundleFolder
from regulars_workbench.resources import resource


def invoke(
    function: Annotated[str, typer.Argument(help="name of the function: its folder in functions/")],
    bundle: BundleFolder,
    event: Annotated[Path | None, typer.Option(help="JSON event to send; without it the function's event.json")] = None,
) -> None:
    """Run a Lambda function's handler on this machine with an event, like sam local invoke."""
    from regulars_workbench.invoke import invoke as run

    os.environ["REGULARS_BUNDLE"] = str(bundle)
    answer = run(resource("functions") / function, event)
    console.console.print_json(data=answer)
    if answer.get("statusCode", 0) >= HTTPStatus.BAD_REQUEST or answer.get("batchItemFailures"):
        raise typer.Exit(1)
