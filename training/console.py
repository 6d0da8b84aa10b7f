"""Where the command line prints to, and its two forms: a line and a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
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
