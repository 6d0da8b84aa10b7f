"""The command `regulars export`: read, check, divide into groups, write, and say what was written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from regulars.errors import SourceError
from regulars_workbench import console
from regulars_workbench.export.columns import Column
from regulars_workbench.export.destinations import File, Table
from regulars_workbench.export.emails import attach_emails
from regulars_workbench.export.postgres import read_password, upsert
from regulars_workbench.export.rows import TABLE, drop_repeated_addresses, groups, make_rows, without_address
from regulars_workbench.export.sources import Source, read_source
from regulars_workbench.export.text_files import file_paths, older_files, write_files
from regulars_workbench.export.workbook import write_workbook


@dataclass(frozen=True)
class Inputs:
    """What an export reads."""

    scores: Path
    plan: Path | None = None
    lake: Path | None = None
    emails: Path | None = None
    password: Path | None = None

    def files(self) -> list[Path]:
        """Return the files that nothing may replace."""
        return [file for file in (self.scores, self.plan, self.emails, self.password) if file]


def run(connection: duckdb.DuckDBPyConnection, inputs: Inputs, to: File | Table, tell: Callable[[str], None]) -> None:
    """Write the export; what cannot be written is refused before anything is read."""
    if isinstance(to, File):
        _refuse_to_replace(inputs, [to.path])
    password = read_password(inputs.password) if isinstance(to, Table) else None
    tell("reading")
    source = read_source(connection, inputs.scores, inputs.plan, inputs.lake)
    attach_emails(connection, inputs.emails)
    if inputs.emails or to.layout.is_upload:
        source = replace(source, columns=source.columns | {"email"})
    tell("sorting")
    columns = make_rows(connection, source, to.layout)
    if to.layout.is_upload:
        _report_addresses(connection, keeps_others=to.layout.keeps_others)
    tell("writing")
    if isinstance(to, Table):
        _write_table(connection, columns, to, password, inputs)
    else:
        _write_files(connection, source, columns, to, inputs)


def _refuse_to_replace(inputs: Inputs, paths: Iterable[Path]) -> None:
    """Refuse to write what is read, under whatever name: a file, or anything within the lake."""
    read = {file.resolve() for file in inputs.files()}
    lake = inputs.lake.resolve() if inputs.lake else None
    for path in paths:
        place = path.resolve()
        if place in read or (lake and lake in (place, *place.parents)):
            raise SourceError(f"{path} is read by this export, so it cannot be written; name another file")


def _report_addresses(connection: duckdb.DuckDBPyConnection, *, keeps_others: bool) -> None:
    """Leave one customer for each address, and say who is left out. SourceError when that is everybody."""
    without = without_address(connection)
    [(rows,)] = connection.execute(f"select count(*) from {TABLE}").fetchall()
    if without.count and not rows:
        raise SourceError("no customer has an e-mail address; give addresses with --emails FILE")
    if without.count:
        fate = "are in files of their own" if keeps_others else "are left out"
        more = ", ..." if without.count > len(without.first) else ""
        _note(
            f"{without.count:,} customers have no e-mail address and {fate}: {', '.join(without.first)}{more}; "
            "give addresses with --emails FILE"
        )
    if repeated := drop_repeated_addresses(connection):
        _note(f"{repeated:,} customers share the address of a better customer, and are left out")


def _note(text: str) -> None:
    console.note(text, "cyan", "note: ")


def _write_table(
    connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...], to: Table, password: str | None, inputs: Inputs
) -> None:
    twice = f"select count(*) from (select customer_id from {TABLE} group by 1 having count(*) > 1)"
    [(count,)] = connection.execute(twice).fetchall()
    if count:
        raise SourceError(
            f"{inputs.plan} has several actions for {count:,} customers, and a table has one row for each; "
            "plan with per_customer = 1, or write files"
        )
    done = upsert(connection, columns, to, password)
    console.say(f"Wrote {to.shown}: {done.inserted:,} customers inserted, {done.updated:,} updated")


def _write_files(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: tuple[Column, ...], to: File, inputs: Inputs
) -> None:
    parts = groups(connection, columns, to.layout, source.facts)
    counts = [f"{part.rows:,} customers" for part in parts]
    if to.ending == ".xlsx":
        write_workbook(connection, parts, to.path)
        sheets = [f"{part.title} {count}" for part, count in zip(parts, counts, strict=True)]
        console.say(f"Wrote {to.path}: {'; '.join(sheets)}")
        return
    paths = file_paths(to.path, parts)
    _refuse_to_replace(inputs, paths)
    write_files(connection, parts, paths, to.ending)
    for path, count in zip(paths, counts, strict=True):
        console.say(f"Wrote {path}: {count}")
    for file in older_files(to.path, paths):
        _note(f"{file} is not part of this export; delete it if an earlier one made it")
