"""Where the command line prints to, and its two forms: a line and a table."""

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
    """Print a line as it is: brackets in names and paths are no markup. `head` comes first, in `style`."""
    console.print(Text.assemble((head, style), text) if head else Text(text, style))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns whose name starts with '>' are aligned to the right."""
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
    """Show a bar of `total` steps; yield the function that says what comes now, one step on or at `done` steps."""
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
def status(first: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner for work whose length is not known; yield the function that says what it does now."""
    with errors.status(first) as spinner:
        yield spinner.update
