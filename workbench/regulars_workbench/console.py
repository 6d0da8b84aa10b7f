"""What the command line prints: lines and tables on standard output, notes and progress on standard error."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(text: str, style: str = "", head: str = "") -> None:
    """Print text without markup: brackets in names and paths stay. `head` comes first, in `style`."""
    console.print(_line(text, style, head))


def note(text: str, style: str = "", head: str = "") -> None:
    """Print one line to standard error, without markup. It is never wrapped, so that scripts can read it by line."""
    errors.print(_line(text, style, head), soft_wrap=True)


def _line(text: str, style: str, head: str) -> Text:
    return Text.assemble((head, style), text) if head else Text(text, style)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table. A column whose name starts with '>' is aligned to the right."""
    out = Table(title=escape(title), title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        out.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    for row in rows:
        out.add_row(*(_text(cell) for cell in row))
    console.print(out)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.3f}" if abs(cell) < 10 else f"{cell:,.2f}"  # noqa: PLR2004 - three significant places below ten
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else escape(str(cell))


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """Show a bar of `total` steps; yield `advance(description, done)`.

    It shows the description and moves the bar to `done` steps; without `done`, one step further.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def advance(description: str, done: int | None = None) -> None:
            bar.update(task, description=description, completed=done, advance=None if done is not None else 1)

        yield advance


@contextmanager
def status(description: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner for work of unknown length; yield the function that changes its description."""
    with errors.status(description) as spinner:
        yield spinner.update
