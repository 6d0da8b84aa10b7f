"""Where an export goes: a file by its ending, or a table of PostgreSQL by its URL."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from regulars.errors import SourceError
from regulars_workbench.export.layouts import PEOPLE, PROGRAMS, TABLE, UPLOADS, WORKBOOK, Layout

LAYOUTS = {".xlsx": WORKBOOK, ".csv": PEOPLE, ".json": PROGRAMS, ".jsonl": PROGRAMS}
"""The layout of each ending that a file may have."""
SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True)
class File:
    """A file to write. With several groups of customers, CSV and JSON have a file for each beside it."""

    path: Path
    layout: Layout

    @property
    def ending(self) -> str:
        """Return the ending, in lower case."""
        return self.path.suffix.lower()


@dataclass(frozen=True)
class Table:
    """A table of PostgreSQL; `settings` are libpq's, without the password."""

    name: str
    schema: str | None
    settings: dict[str, str] = field(default_factory=dict)
    layout: Layout = TABLE

    @property
    def shown(self) -> str:
        """Return what messages call the table: it holds no password."""
        name = f"{self.schema}.{self.name}" if self.schema else self.name
        return f"table {name} of database {self.settings['dbname']}"


def destination(to: str, form: str | None) -> File | Table:
    """Read the option --to, and --as; SourceError when nothing can be written in that form."""
    scheme, found, _ = to.partition("://")
    if form and form not in UPLOADS:
        raise SourceError(f"--as {form} is not known; there are: {', '.join(UPLOADS)}")
    if found:
        if scheme not in SCHEMES:
            raise SourceError(f"{scheme}:// is not supported; name a file ({_endings()}) or postgresql://...")
        if form:
            raise SourceError(f"--as {form} is a form of file; name a .csv file with --to")
        return _table(to)
    file = Path(to)
    ending = file.suffix.lower()
    if ending not in LAYOUTS:
        raise SourceError(f"{file} ends with none of {_endings()}; choose one, or name a table as postgresql://...")
    if form and ending != ".csv":
        raise SourceError(f"{file}: --as {form} is a CSV file; name one that ends with .csv")
    return File(file, UPLOADS[form] if form else LAYOUTS[ending])


def _endings() -> str:
    return ", ".join(LAYOUTS)


def _table(url: str) -> Table:
    """Read postgresql://USER@HOST:PORT/DATABASE/[SCHEMA.]TABLE?SETTING=VALUE; messages never repeat the URL."""
    form = "postgresql://USER@HOST:PORT/DATABASE/TABLE"
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query))
    account, _, place = parts.netloc.rpartition("@")
    if ":" in account or "password" in settings:
        raise SourceError("the URL holds a password; give it by PGPASSWORD or --password-file, and take it out")
    address = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?", place)
    path = [unquote(word) for word in parts.path.strip("/").split("/")]
    if address is None or len(path) != 2 or not all(path):  # noqa: PLR2004 - database and table
        raise SourceError(f"the URL does not name database and table; write {form} or .../DATABASE/SCHEMA.TABLE")
    schema, _, name = path[1].rpartition(".")
    named = {"host": unquote(address[1].strip("[]")), "port": address[2], "user": unquote(account), "dbname": path[0]}
    return Table(name, schema or None, settings | {key: value for key, value in named.items() if value})
