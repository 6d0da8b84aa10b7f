"""A request's customers through the bundle's SQL: one statement, planned once for each connection.

Planning the files takes DuckDB longer than running them over a few customers. It keeps the plan of a prepared statement
only where no optimiser has looked at the data and each parameter stands once and is given in its own type, so the
optimisers are off here and every place that asks for `as_of` has a parameter of its own. Customers are numbered: their
ids stay outside, so that no two can be taken for one, however they are written.
"""

import queue
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from regulars.api.requests import Customer
from regulars.data.lake import contract_form
from regulars.data.schema import CUSTOMERS, EVENTS, ORDERS, Column, Table
from regulars.data.sql import PARAMETER, RawSql, SqlFolder, literal
from regulars.features.cut_points import bind_cut_points
from regulars.features.relations import ORDER
from regulars.features.table import FeatureTable
from regulars.instants import as_of_params
from regulars.models.bundle import Bundle

JSON_TYPES = {"text": "VARCHAR", "time": "TIMESTAMPTZ", "money": "DOUBLE", "number": "DOUBLE", "flag": "BOOLEAN"}
PARAMS = {name: RawSql(f"${name}") for name in ("as_of", "as_of_s")}
TYPES = {"as_of": "timestamp", "as_of_s": "bigint"}
JSON = TypeAdapter(list[Customer])
WITHOUT_ID: Any = {"__all__": {"customer_id"}}  # pydantic's own type leaves this form of its out


class PreparedStatement:
    """The statement on a connection of its own: one request at a time."""

    def __init__(self, database: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
        self._connection = database.cursor()
        self._connection.execute("pragma disable_optimizer")
        bind_cut_points(self._connection, bundle.cut_points)
        self._connection.execute("create temp table asked (customers varchar)")
        text, self._parameters = once_each(statement(bundle.sql, bundle.manifest.minor_units))
        self._connection.execute(f"prepare features as {text}")

    def features(self, customers: Sequence[Customer], as_of: datetime) -> FeatureTable:
        """Return the features of those customers who have an order before `as_of`, in the order given."""
        try:
            ask(self._connection, customers)
            table = FeatureTable.fetch(self._connection.execute(execute(self._parameters, as_of)))
        finally:
            self._connection.execute("truncate asked")  # nobody's history stays
        numbers = table.customer_ids.astype(np.int64)
        order = np.argsort(numbers)  # in DuckDB a sort of a few rows costs a tenth of the statement
        columns = {name: each[order] for name, each in table.columns.items()}
        return FeatureTable(ids(customers)[numbers[order]], columns, as_of)


def ids(customers: Sequence[Customer]) -> npt.NDArray[np.object_]:
    """Return the customers' ids, shape (customers,)."""
    return np.array([customer.customer_id for customer in customers], dtype=object)


def ask(connection: duckdb.DuckDBPyConnection, customers: Sequence[Customer]) -> None:
    """Put a request into the table `asked`: its customers as the JSON that they came as, checked, without their ids."""
    text = JSON.dump_json(list(customers), exclude_none=True, exclude=WITHOUT_ID).decode()
    connection.execute("insert into asked values ($customers)", {"customers": text})


def once_each(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Number the parameters of a statement, so that each stands once; return it with their new and old names."""
    names: list[tuple[str, str]] = []

    def numbered(found: re.Match[str]) -> str:
        names.append((f"{found[1]}_{len(names)}", found[1]))
        return f"${names[-1][0]}"

    return PARAMETER.sub(numbered, text), names


def execute(parameters: Sequence[tuple[str, str]], as_of: datetime) -> str:
    """Return the statement that runs the prepared one, each parameter a literal of its own type."""
    values = {name: f"cast({literal(value)} as {TYPES[name]})" for name, value in as_of_params(as_of).items()}
    return f"execute features({', '.join(f'{own} := {values[name]}' for own, name in parameters)})"


class PreparedStatements:
    """As many statements as there are requests at once, kept for the next."""

    def __init__(self, database: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
        self._database = database
        self._bundle = bundle
        self._idle: queue.SimpleQueue[PreparedStatement] = queue.SimpleQueue()

    def prepare(self) -> None:
        """Have a statement ready for the next request."""
        self._idle.put(PreparedStatement(self._database, self._bundle))

    def features(self, customers: Sequence[Customer], as_of: datetime) -> FeatureTable:
        """Return the features of those customers who have an order before `as_of`, in the order given."""
        try:
            statement = self._idle.get_nowait()
        except queue.Empty:
            statement = PreparedStatement(self._database, self._bundle)
        try:
            return statement.features(customers, as_of)
        finally:
            self._idle.put(statement)


def statement(sql: SqlFolder, minor_units: int) -> str:
    """Return the one statement from the table `asked` to the features."""
    return f"""with {contract(sql, minor_units)},
{sql.compose(ORDER, PARAMS)}
select * from customer_features"""


def contract(sql: SqlFolder, minor_units: int) -> str:
    """Return the CTEs that end in orders, events and customers, from the table `asked`.

    Orders pass through the same staging files as a shop's export, so that one history means one thing everywhere.
    """
    staging = sql.compose(["order_lines"], {})
    orders = contract_form(ORDERS, _names(ORDERS), f"({sql.relations['orders'].bound({})})")
    ordered = "(select number as customer_id, unnest(customer.orders) as row from request)"
    happened = "(select number as customer_id, unnest(customer.events) as row from request)"
    people = "(select number as customer_id, customer as row from request)"
    return f"""sent as (select from_json(customers, '{_shape()}') as people from asked),
request as (
    select unnest(people) as customer, cast(generate_subscripts(people, 1) - 1 as varchar) as number from sent
),
staged_orders as (select {_select(ORDERS, minor_units)}, null as attributes from {ordered}),
{staging},
orders as ({orders}),
events as ({_contract(EVENTS, happened, minor_units)}),
customers as ({_contract(CUSTOMERS, people, minor_units)})"""


def _names(table: Table) -> list[str]:
    return [column.lake_name for column in table.columns]


def _contract(table: Table, source: str, minor_units: int) -> str:
    return contract_form(table, _names(table), f"(select {_select(table, minor_units)} from {source})")


def _select(table: Table, minor_units: int) -> str:
    """Bring a request's fields into the lake's form."""
    return ", ".join(["customer_id", *(_field(column, minor_units) for column in _own(table))])


def _own(table: Table) -> list[Column]:
    return [column for column in table.columns if column.name != "customer_id"]


def _field(column: Column, minor_units: int) -> str:
    value = f"row.{column.name}"
    if column.kind == "money":  # rounded as ingest does, via a decimal: 1.005 * 100 is below a half in binary
        value = f"round(cast({value} as decimal(28, 6)) * {10**minor_units})"
    return f"cast({value} as {column.lake_type}) as {column.lake_name}"


def _shape() -> str:
    """Return the JSON structure of a request's customers, as DuckDB's from_json takes it."""

    def fields(table: Table) -> str:
        return ", ".join(f'"{column.name}": "{JSON_TYPES[column.kind]}"' for column in _own(table))

    lists = f'"orders": [{{{fields(ORDERS)}}}], "events": [{{{fields(EVENTS)}}}]'
    return f"[{{{fields(CUSTOMERS)}, {lists}}}]"
