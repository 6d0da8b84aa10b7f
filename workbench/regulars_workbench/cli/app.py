"""The command line: `regulars`, or `python -m regulars`."""

import sys
from collections.abc import Callable
from typing import Annotated

import duckdb
import typer

from regulars import __version__
from regulars.errors import RegularsError
from regulars_workbench import console
from regulars_workbench.cli.actions.examples import examples
from regulars_workbench.cli.actions.measure import measure
from regulars_workbench.cli.actions.plan import plan
from regulars_workbench.cli.actions.publish import publish
from regulars_workbench.cli.actions.uplift import uplift
from regulars_workbench.cli.functions.invoke import invoke
from regulars_workbench.cli.functions.serve import serve
from regulars_workbench.cli.models.backtest import backtest
from regulars_workbench.cli.models.features import features
from regulars_workbench.cli.models.models import models
from regulars_workbench.cli.models.train import train
from regulars_workbench.cli.orders.check import check
from regulars_workbench.cli.orders.describe import describe
from regulars_workbench.cli.orders.ingest import ingest
from regulars_workbench.cli.orders.map import map_
from regulars_workbench.cli.orders.simulate import simulate
from regulars_workbench.cli.scores.batch import batch
from regulars_workbench.cli.scores.export import export
from regulars_workbench.cli.scores.redrive import redrive
from regulars_workbench.cli.scores.score import score

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Orders": (map_, ingest, simulate, check, describe),
    "Models": (train, models, backtest, features),
    "Scores": (score, export, batch, redrive),
    "Actions": (examples, plan, publish, measure, uplift),
    "Functions": (invoke, serve),
}
"""Commands by heading of --help, in the order of use."""

app = typer.Typer(
    help="From your order log to a costed plan for keeping your customers.", no_args_is_help=True, add_completion=False
)
for heading, commands in COMMANDS.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=heading)(command)  # map is Python's own word


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback for a flag
    if asked:
        console.say(f"regulars {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and exit")
    ] = False,
) -> None:
    """Options of the command line itself."""


def _message(error: Exception) -> str:
    """Return the one line that tells the user what went wrong and what to do."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "DuckDB reached its memory limit; give more with --memory-limit"
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    return str(error).partition("\n")[0]


def main() -> None:
    """Run the command line. An error that the user can mend is one line on standard error, with exit status 2."""
    try:
        app(prog_name="regulars")
    except (RegularsError, duckdb.Error, OSError) as error:
        console.note(_message(error), "red", "error: ")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        if "interrupted" not in str(error):  # DuckDB raises this after Ctrl-C during a query
            raise
        sys.exit(130)
