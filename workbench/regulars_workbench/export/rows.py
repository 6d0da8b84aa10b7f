"""The rows of an export, sorted and divided into groups: one for each action, and the control group apart."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

import duckdb

from regulars.data.sql import literal
from regulars_workbench.export.columns import Column, Facts
from regulars_workbench.export.layouts import Layout
from regulars_workbench.export.sources import Source

TABLE = "rows_to_export"
NAMED = 5
"""Customers that a message names."""


@dataclass(frozen=True)
class Group:
    """Rows that go into one sheet or file: `title` names a sheet, `suffix` a file beside the one asked for."""

    title: str
    suffix: str
    columns: tuple[Column, ...]
    rows: int
    where: str
    facts: Facts

    def query(self, value: Callable[[Column], str] = attrgetter("name")) -> str:
        """Return the SELECT of the rows under their headings; `value` gives the SQL of a column."""
        selected = [f'{value(column)} as "{column.titled(self.facts)}"' for column in self.columns]
        return f"select {', '.join(selected)} from {TABLE} where {self.where} order by row_no"


@dataclass(frozen=True)
class Without:
    """Customers without an e-mail address: how many, and the first of them."""

    count: int
    first: tuple[str, ...]


def make_rows(connection: duckdb.DuckDBPyConnection, source: Source, layout: Layout) -> tuple[Column, ...]:
    """Make the table `rows_to_export` from `to_export` and `customer_emails`; return its columns.

    Best first: by expected profit, then by predicted value.
    """
    columns = tuple(column for column in layout.columns if column.name in source.columns)
    values = [f"{layout.value(column, source.facts)} as {column.name}" for column in columns]
    best = "expected_profit desc nulls last, " if "expected_profit" in source.columns else ""
    kept = "where email is not null" if layout.is_upload and not layout.keeps_others else ""
    connection.execute(
        f"create or replace temp table {TABLE} as select {', '.join(values)}, {_keys(source, layout)}, "
        f"row_number() over (order by {best}predicted_value desc, customer_id) as row_no "
        f"from (select t.*, e.email from to_export t left join customer_emails e using (customer_id)) {kept}"
    )
    return columns


def _keys(source: Source, layout: Layout) -> str:
    """Return the SQL of what divides rows into groups."""
    others = "email is null" if layout.keeps_others else "false"
    if not source.has_actions:
        return f"0 as kind, cast(null as varchar) as of_action, {others} as is_other"
    kind = "case when action is null then 1 when arm = 'control' then 2 else 0 end"
    shared = "" if layout.is_upload else " and arm <> 'control'"
    return f"{kind} as kind, if(action is not null{shared}, action, null) as of_action, {others} as is_other"


def drop_repeated_addresses(connection: duckdb.DuckDBPyConnection) -> int:
    """Keep the best customer of each address in a group, as vendors ask; return how many rows went."""
    repeated = (
        f"select row_no from {TABLE} where email is not null "
        "qualify row_number() over (partition by kind, of_action, is_other, email order by row_no) > 1"
    )
    [(count,)] = connection.execute(f"delete from {TABLE} where row_no in ({repeated})").fetchall()
    return int(count)


def without_address(connection: duckdb.DuckDBPyConnection) -> Without:
    """Return who has no e-mail address."""
    connection.execute(
        "create or replace temp table without_email as "
        "select distinct customer_id from to_export anti join customer_emails using (customer_id)"
    )
    [(count,)] = connection.execute("select count(*) from without_email").fetchall()
    first = connection.execute(f"select customer_id from without_email order by 1 limit {NAMED}").fetchall()
    return Without(count, tuple(str(row[0]) for row in first))


def groups(
    connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...], layout: Layout, facts: Facts
) -> list[Group]:
    """Divide `rows_to_export` into groups, and large groups into parts; actions first, the control group last."""
    _add_parts(connection, columns, layout)
    keys = "kind, of_action, is_other, part"
    counted = connection.execute(f"select {keys}, count(*) from {TABLE} group by all order by all").fetchall()
    if not counted:  # an empty plan is a valid plan
        return [Group("customers", "", columns, 0, "true", facts)]
    found = []
    for kind, action, is_other, number, rows in counted:
        title, suffix = _names(kind, action, is_upload=layout.is_upload)
        words = (["without e-mail"] if is_other else []) + ([str(number + 1)] if number else [])
        of_action = f"of_action is not distinct from {literal(action) if action is not None else 'null'}"
        shown = tuple(column for column in columns if not (is_other and column.name == "email"))
        where = f"kind = {kind} and {of_action} and is_other = {is_other} and part = {number}"
        found.append(Group(" ".join([title, *words]), " ".join([suffix, *words]).strip(), shown, rows, where, facts))
    return found


def _add_parts(connection: duckdb.DuckDBPyConnection, columns: tuple[Column, ...], layout: Layout) -> None:
    """Add the column `part`, 0 for the rows of a group that fit into its first file or sheet."""
    limit = layout.most_rows or layout.most_bytes
    if limit is None:
        connection.execute(f"alter table {TABLE} add column part integer default 0")
        return
    size = "1" if layout.most_rows else _bytes(columns)
    before = f"sum({size}) over (partition by kind, of_action, is_other order by row_no) - ({size})"
    part = f"cast(floor(({before}) / {limit}) as integer)"
    connection.execute(f"create or replace temp table {TABLE} as select *, {part} as part from {TABLE}")


def _names(kind: int, action: str | None, *, is_upload: bool) -> tuple[str, str]:
    """Return the title of a group, and the suffix of its file."""
    if kind == 0:
        return action or "customers", action or ""
    if kind == 1:
        return "no action", "no action"
    held = f"control {action}" if is_upload else "control - do not contact"
    return held, held


def _bytes(columns: tuple[Column, ...]) -> str:
    """Return the SQL of the bytes that a row takes in a CSV file, at most: with quotes and a separator each."""
    texts = [f"coalesce(cast({column.name} as varchar), '')" for column in columns]
    return " + ".join(f"strlen({text}) + strlen({text}) - strlen(replace({text}, '\"', '')) + 3" for text in texts)
