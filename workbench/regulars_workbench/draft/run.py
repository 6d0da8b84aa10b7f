"""From files to a drafted map: a known export's own map, or one guessed from the columns."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from regulars.errors import RegularsError, SourceError
from regulars.expressions.compiler import Source, quoted
from regulars.ingest.exports.recognise import is_contract, recognise
from regulars.ingest.mapping import CONTRACT, parse
from regulars.ingest.reading.archives import unpack
from regulars.ingest.reading.open_file import OpenFile, columns_of, open_file
from regulars.ingest.reading.session import ingesting
from regulars.ingest.reading.sources import find
from regulars.ingest.values import currencies
from regulars_workbench.draft.grain import Grain, guess_grain
from regulars_workbench.draft.guess import Guess, guesses, of
from regulars_workbench.draft.preview import preview
from regulars_workbench.draft.profile import HEAD, Column, load_head, names, profile
from regulars_workbench.draft.write import Draft, text


@dataclass(frozen=True)
class Drafted:
    """A map as text, the export that it is of, what is unsure, and the first rows as they would be read."""

    text: str
    export: str | None
    unsure: Sequence[str]
    rows: Sequence[tuple[object, ...]]
    problem: str | None
    """Why the rows could not be read with this map yet."""


def draft_map(sources: Sequence[Path], connection: duckdb.DuckDBPyConnection, tell: Callable[[str], None]) -> Drafted:
    """Draft a map for the orders in `sources`; SourceError for files that need none, or cannot be opened."""
    with TemporaryDirectory() as name, ingesting(connection, CONTRACT.timezone, Path(name)) as session:
        folder = Path(name)
        workspace = folder / "sources"
        files = unpack(find(sources), workspace)
        opened = [columns_of(session, file, CONTRACT, workspace) for file in files]
        if all(map(is_contract, opened)):
            raise SourceError(f"{files[0].name} has the contract's own columns and needs no map; run regulars ingest")
        export = recognise(opened)
        tell(f"looking at {files[0].name}")
        file = open_file(session, files[0], CONTRACT, workspace)
        load_head(session, file)
        if export:
            return _with_rows(session, Drafted(export.text, export.about.name, (), (), None), file, folder)
        draft = _draft(session, file)
        unsure = [*draft.unsure, *_other_files(opened)]
        return _with_rows(session, Drafted(text(draft), None, unsure, (), None), file, folder)


def _draft(session: duckdb.DuckDBPyConnection, file: OpenFile) -> Draft:
    columns = profile(session, names(file))
    found = list(guesses(columns))
    head = Source(file.source.name, dict.fromkeys(file.source.columns, "VARCHAR"))
    seen = currencies.columns(session, head, frozenset(), HEAD)
    codes = {name: sorted(values) for name, values in seen.items() if values}
    rows = columns[0].rows if columns else 0
    return Draft(file.source.name, rows, columns, found, _grain(session, columns, found), codes)


def _grain(session: duckdb.DuckDBPyConnection, columns: Sequence[Column], found: Sequence[Guess]) -> Grain:
    expressions = {guess.key: guess.expression for guess in found}
    read = {key: _first_column(columns, expressions.get(key, "")) for key in ("order_id", "order_value")}
    if not all(read.values()):
        doubt = "without a column of order numbers, what one customer buys at one instant is one order"
        return Grain("order", "no column of order numbers was found", (doubt,))
    return guess_grain(session, quoted(read["order_id"]), quoted(read["order_value"]))


def _first_column(columns: Sequence[Column], expression: str) -> str:
    """Return the last column that an expression names: of `quantity * price` the price."""
    named = (column.name for column in columns if expression in (of(column.name), quoted(column.name)))
    return next(named, next((column.name for column in columns if expression.endswith(quoted(column.name))), ""))


def _other_files(opened: Sequence[Source]) -> list[str]:
    """Name the files with other columns than the first, which the draft has not looked at."""
    first = {name.lower() for name in opened[0].columns}
    others = [source.name for source in opened[1:] if {name.lower() for name in source.columns} != first]
    advice = "have other columns: join them with [[join]], or ingest them apart"
    return [f"files: {', '.join(others)} {advice}"] if others else []


def _with_rows(session: duckdb.DuckDBPyConnection, drafted: Drafted, file: OpenFile, folder: Path) -> Drafted:
    """Add the rows as the map reads them, or why it cannot yet."""
    try:
        mapping = parse(tomllib.loads(drafted.text), "the draft")
        rows = preview(session, file.source.name, mapping, folder)
    except RegularsError as error:
        return Drafted(drafted.text, drafted.export, drafted.unsure, (), str(error))
    return Drafted(drafted.text, drafted.export, drafted.unsure, rows, None)
