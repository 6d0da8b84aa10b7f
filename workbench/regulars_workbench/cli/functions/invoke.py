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
    function: Annotated[str, typer.Argument(help="folder under functions/")],
    bundle: BundleFolder,
    event: Annotated[
        Path | None, typer.Option(help="event to send; the function's own event.json unless given")
    ] = None,
) -> None:
    """Run a Lambda function's own handler here, on an event, as `sam local invoke` does in a container."""
    from regulars_workbench.invoke import invoke as run

    os.environ["REGULARS_BUNDLE"] = str(bundle)
    answer = run(resource("functions") / function, event)
    console.console.print_json(data=answer)
    if answer.get("statusCode", 0) >= HTTPStatus.BAD_REQUEST or answer.get("batchItemFailures"):
        raise typer.Exit(1)
