"""The SQL files, one SELECT each, named as the relation that it makes; here they are bound and materialised."""

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
    """A parameter's value as SQL, such as a scalar subquery; a plain string is a literal."""

    __slots__ = ()


def literal(value: str | int) -> str:
    """Return a value as SQL: RawSql unchanged, text quoted."""
    if isinstance(value, RawSql):
        return value
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


@dataclass(frozen=True)
class Relation:
    """One SQL file: the relation's name, folder and grain, the relations that it reads, its parameters, its text."""

    name: str
    folder: str
    grain: str
    reads: tuple[str, ...]
    params: tuple[str, ...]
    text: str

    def bound(self, params: Mapping[str, str | int]) -> str:
        """Return the text with each parameter replaced by its value as SQL; KeyError when one has no value.

        DuckDB's own binding is not used: a view cannot hold parameters, and in DuckDB 2 an unbound $name may silently
        take a session variable.
        """
        values = {name: literal(params[name]) for name in self.params}
        return PARAMETER.sub(lambda match: values[match[1]], COMMENT.sub("", self.text)).strip()


def parse(path: Path) -> Relation:
    """Read one file; BundleError when its two header lines do not name grain, relations read and parameters."""
    text = path.read_text(encoding="utf-8")
    header = HEADER.match(text)
    if header is None:
        raise BundleError(f"{path.name}: the header must say '-- One row per ....' then '-- Reads: a, b. Params: $c.'")
    if ";" in COMMENT.sub("", text):
        raise BundleError(f"{path.name}: a file holds one SELECT and no semicolon")
    params = tuple(re.findall(r"\w+", header["params"] or ""))
    if set(params) != set(PARAMETER.findall(COMMENT.sub("", text))):
        raise BundleError(f"{path.name}: 'Params:' must name exactly the parameters of the SELECT")
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
    """Open an in-memory DuckDB that computes in UTC, downloads nothing, and spills to disk above its memory limit.

    Without `files` its SQL can read and write no files. SettingsError when DuckDB does not accept the limit.
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
        connection.execute("set enable_external_access = false")  # last: afterwards no temporary folder can be set
    return connection


@dataclass(frozen=True)
class SqlFolder:
    """SQL files in subfolders (`staging/`, `features/`, ...): the repository's, or a bundle's copy."""

    path: Path
    names: tuple[str, ...] | None = None
    """The files to read (`features/rfm.sql`, ...); all of the folder when None."""

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """Every relation of the folder by name."""
        files = [self.path / name for name in self.names] if self.names else sorted(self.path.glob("*/*.sql"))
        if not files:
            raise BundleError(f"no SQL files under {self.path}; restore the folder, or train the bundle again")
        relations = {file.stem: parse(file) for file in files}
        if len(relations) < len(files):
            raise BundleError(f"{self.path}: two files make the same relation; file names must be unique")
        return relations

    def mentions(self, word: str, *folders: str) -> bool:
        """Return whether any file of these subfolders has the word in its SQL, such as a column's name."""
        texts = (COMMENT.sub("", relation.text) for relation in self.relations.values() if relation.folder in folders)
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
        """Create the named relations as temporary views, in the order given: for cheap relations that are read once."""
        for name in names:
            connection.execute(f"create or replace temp view {name} as {self.relations[name].bound(params)}")

    def compose(self, names: Iterable[str], params: Mapping[str, str | int]) -> str:
        """Return the named relations as CTEs of one statement, in the order given, without `with`."""
        return ",\n".join(f"{name} as (\n{self.relations[name].bound(params)}\n)" for name in names)
