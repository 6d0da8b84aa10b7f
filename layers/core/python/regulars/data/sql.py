"""The SQL files: one SELECT a file, named as the relation it makes; this module binds and materialises them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from regulars.errors import BundleError, SettingsError

HEADER = re.compile(
    r"\A-- (?P<grain>One row per [^\n]+)\.\n-- Reads: (?P<reads>[\w, ]+)\.(?: Params: (?P<params>[$\w, ]+)\.)?\n"
)


COMMENT = re.compile(r"--[^\n]*")
PARAMETER = re.compile(r"\$(\w+)")


class RawSql(str):
    """SQL text that stands for a parameter's value, such as a scalar subquery; a plain string is a literal."""

    __slots__ = ()


def literal(value: str | int) -> str:
    """Write a value as SQL: an expression as it is, text quoted."""
    if isinstance(value, RawSql):
        return value
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


@dataclass(frozen=True)
class Relation:
    """One SQL file: the relation's name, its grain, the relations it reads, the parameters it binds, its text."""

    name: str
    folder: str
    grain: str
    reads: tuple[str, ...]
    params: tuple[str, ...]
    text: str

    def bound(self, params: Mapping[str, str | int]) -> str:
        """Return the text with each of its parameters written out; KeyError when one has no value.

        Written out, not bound: a view cannot hold parameters, and an unbound $name may silently take a session variable
        in DuckDB 2.
        """
        values = {name: literal(params[name]) for name in self.params}
        return PARAMETER.sub(lambda found: values[found[1]], COMMENT.sub("", self.text)).strip()


def parse(path: Path) -> Relation:
    """Read one file; BundleError when its two header lines do not say grain, reads and params."""
    text = path.read_text(encoding="utf-8")
    header = HEADER.match(text)
    if header is None:
        raise BundleError(f"{path.name}: the header must say '-- One row per ....' then '-- Reads: a, b. Params: $c.'")
    if ";" in COMMENT.sub("", text):
        raise BundleError(f"{path.name}: a file holds one SELECT and no semicolon")
    params = tuple(re.findall(r"\w+", header["params"] or ""))
    if set(params) != set(PARAMETER.findall(COMMENT.sub("", text))):
        raise BundleError(f"{path.name}: 'Params:' must name just the parameters that the SELECT has")
    return Relation(
        name=path.stem,
        folder=path.parent.name,
        grain=header["grain"],
        reads=tuple(re.findall(r"\w+", header["reads"])),
        params=params,
        text=text,
    )


def connect(
    memory_limit: str = "4GB", threads: int = 2, temp_directory: Path | None = None, *, files: bool = True
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that computes in UTC, fetches nothing from the net, and spills above its limit.

    Without `files` it reads and writes none but its own: whatever SQL runs there stays inside.
    """
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if temp_directory is not None:
        config["temp_directory"] = str(temp_directory)
    try:
        connection = duckdb.connect(config=config)
    except duckdb.Error as error:
        raise SettingsError(f"DuckDB cannot start with memory limit {memory_limit!r}; write it like 4GB") from error
    connection.execute("set timezone = 'UTC'")
    if not files:
        connection.execute("set enable_external_access = false")  # last: it forbids naming a temporary folder, too
    return connection


@dataclass(frozen=True)
class SqlFolder:
    """SQL files in subfolders (`staging/`, `features/`, ...): the repository's, or a bundle's frozen copy."""

    path: Path
    names: tuple[str, ...] | None = None
    """Only these files of the folder (`features/rfm.sql`, ...); all of them when None."""

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """Every relation of the folder by name."""
        files = [self.path / name for name in self.names] if self.names else sorted(self.path.glob("*/*.sql"))
        if not files:
            raise BundleError(f"no SQL files under {self.path}; restore the folder, or train the bundle again")
        relations = {file.stem: parse(file) for file in files}
        if len(relations) < len(files):
            raise BundleError(f"{self.path}: two files make the same relation; each name may stand once")
        return relations

    def mentions(self, word: str, *folders: str) -> bool:
        """Say whether any file of these subfolders has the word in its SQL, such as a column's name."""
        texts = (COMMENT.sub("", each.text) for each in self.relations.values() if each.folder in folders)
        return any(re.search(rf"\b{re.escape(word)}\b", text) for text in texts)

    def materialise(
        self, connection: duckdb.DuckDBPyConnection, names: Iterable[str], params: Mapping[str, str | int]
    ) -> None:
        """Create the named relations as temporary tables, in the order given."""
        for name in names:
            connection.execute(f"create or replace temp table {name} as {self.relations[name].bound(params)}")

    def view(
        self, connection: duckdb.DuckDBPyConnection, names: Iterable[str], params: Mapping[str, str | int]
    ) -> None:
        """Create the named relations as temporary views, in the order given: for what is cheap and read once."""
        for name in names:
            connection.execute(f"create or replace temp view {name} as {self.relations[name].bound(params)}")

    def compose(self, names: Iterable[str], params: Mapping[str, str | int]) -> str:
        """Return the named relations as the CTEs of one statement, in the order given, without `with`."""
        return ",\n".join(f"{name} as (\n{self.relations[name].bound(params)}\n)" for name in names)
