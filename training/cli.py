"""The command line: `regulars`, or `python -m training`."""

import sys
from collections.abc import Callable
from typing import Annotated

import duckdb
import typer
from regulars import __version__
from regulars.errors import RegularsError
from rich.text import Text

from training import show
from training.batch.cli import batch, redrive
from training.commands.answers import invoke, plan, publish, score, serve
from training.commands.data import check, describe, features, ingest, simulate
from training.commands.models import backtest, models, train
from training.measure.command import measure
from training.uplift.command import uplift

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Look at orders": (ingest, check, describe, simulate),
    "Models": (train, models, backtest, features),
    "Scores": (score, batch, redrive),
    "Actions": (plan, measure, uplift, publish),
    "Functions": (invoke, serve),
}
"""Every command, under the heading that --help shows it by."""

app = typer.Typer(
    help="From your order log to a costed plan for keeping your customers.", no_args_is_help=True, add_completion=False
)
for heading, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=heading)(command)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback for a flag
    if asked:
        show.say(f"regulars {__version__}")
        raise typer.Exit


@app.callback()
def root(*, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """Options of every command."""


def _said(error: Exception) -> str:
    """Return the message of an error that a user can act on."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "DuckDB reached its memory limit; give more with --memory-limit"
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    return str(error).partition("\n")[0]


def main() -> None:
    """Run the command line; an error of the user's world is one line on standard error and exit status 2."""
    try:
        app(prog_name="regulars")
    except (RegularsError, duckdb.Error, OSError) as error:
        show.errors.print(Text.assemble(("error: ", "red"), _said(error)), soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        if "interrupted" not in str(error):  # what DuckDB makes of Ctrl-C during a query
            raise
        sys.exit(130)
