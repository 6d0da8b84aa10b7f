"""Features of a request's customers, by the bundle's SQL as one prepared statement.

DuckDB needs longer to plan the SQL than to run it over a few customers. It reuses the plan of a prepared statement only
if no optimiser has read the data, and if each parameter occurs once with its own type. So the optimisers are off, and
each use of `as_of` has its own parameter. Customers are numbered and their ids stay out of the SQL: ids that DuckDB
might compare as equal cannot be mixed up.
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

from regulars.api.contract.customers import Customer
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
WITHOUT_ID: Any = {"__all__": {"customer_id"}}  # pydantic's type lacks this form


class PreparedStatement:
    """The statement on its own connection; it serves one request at a time."""

    def __init__(self, database: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
        self._connection = database.cursor()
        self._connection.execute("pragma disable_optimizer")
        bind_cut_points(self._connection, bundle.cut_points)
        self._connection.execute("create temp table sent_customers (customers varchar)")
        text, self._parameters = number_parameters(features_sql(bundle.sql, bundle.manifest.minor_units))
        self._connection.execute(f"prepare features as {text}")

    def features(self, customers: Sequence[Customer], as_of: datetime) -> FeatureTable:
        """Return the features of all customers with an order before `as_of`, in the order given."""
        try:
            send(self._connection, customers)
            table = FeatureTable.fetch(self._connection.execute(execute_sql(self._parameters, as_of)))
        finally:
            self._connection.execute("truncate sent_customers")  # keeps no history
        numbers = table.customer_ids.astype(np.int64)
        order = np.argsort(numbers)  # a sort in DuckDB would take a tenth of the statement's time
        columns = {name: values[order] for name, values in table.columns.items()}
        return FeatureTable(ids(customers)[numbers[order]], columns, as_of)


def ids(customers: Sequence[Customer]) -> npt.NDArray[np.object_]:
    """Return the customers' ids, shape (customers,)."""
    return np.array([customer.customer_id for customer in customers], dtype=object)


def send(connection: duckdb.DuckDBPyConnection, customers: Sequence[Customer]) -> None:
    """Insert a request's customers into the table `sent_customers`, as JSON without their ids."""
    text = JSON.dump_json(list(customers), exclude_none=True, exclude=WITHOUT_ID).decode()
    connection.execute("insert into sent_customers values ($customers)", {"customers": text})


def number_parameters(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Number the parameters of a statement, so that each occurs once; return it with their new and old names."""
    names: list[tuple[str, str]] = []

    def numbered(match: re.Match[str]) -> str:
        names.append((f"{match[1]}_{len(names)}", match[1]))
        return f"${names[-1][0]}"

    return PARAMETER.sub(numbered, text), names


def execute_sql(parameters: Sequence[tuple[str, str]], as_of: datetime) -> str:
    """Return the SQL that executes the prepared statement, with each parameter as a literal of its own type."""
    values = {name: f"cast({literal(value)} as {TYPES[name]})" for name, value in as_of_params(as_of).items()}
    return f"execute features({', '.join(f'{numbered} := {values[name]}' for numbered, name in parameters)})"


class PreparedStatements:
    """Prepared statements, one for each concurrent request, reused by later requests."""

    def __init__(self, database: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
        self._database = database
        self._bundle = bundle
        self._idle: queue.SimpleQueue[PreparedStatement] = queue.SimpleQueue()

    def prepare(self) -> None:
        """Prepare a statement for the next request."""
        self._idle.put(PreparedStatement(self._database, self._bundle))

    def features(self, customers: Sequence[Customer], as_of: datetime) -> FeatureTable:
        """Return the features of all customers with an order before `as_of`, in the order given."""
        try:
            statement = self._idle.get_nowait()
        except queue.Empty:
            statement = PreparedStatement(self._database, self._bundle)
        try:
            return statement.features(customers, as_of)
        finally:
            self._idle.put(statement)


def features_sql(sql: SqlFolder, minor_units: int) -> str:
    """Return the query from the table `sent_customers` to the features."""
    return f"""with {contract(sql, minor_units)},
{sql.compose(ORDER, PARAMS)}
select * from customer_features"""


def contract(sql: SqlFolder, minor_units: int) -> str:
    """Return the CTEs from the table `sent_customers` to orders, events and customers.

    Orders pass the same staging SQL as a shop's export, so that the same history gives the same features.
    """
    staging = sql.compose(["order_lines"], {})
    orders = contract_form(ORDERS, _names(ORDERS), f"({sql.relations['orders'].bound({})})")
    order_rows = "(select number as customer_id, unnest(customer.orders) as row from request)"
    event_rows = "(select number as customer_id, unnest(customer.events) as row from request)"
    customer_rows = "(select number as customer_id, customer as row from request)"
    return f"""sent as (select from_json(customers, '{_shape()}') as people from sent_customers),
request as (
    select unnest(people) as customer, cast(generate_subscripts(people, 1) - 1 as varchar) as number from sent
),
staged_orders as (select {_select(ORDERS, minor_units)}, null as attributes from {order_rows}),
{staging},
orders as ({orders}),
events as ({_contract(EVENTS, event_rows, minor_units)}),
customers as ({_contract(CUSTOMERS, customer_rows, minor_units)})"""


def _names(table: Table) -> list[str]:
    return [column.lake_name for column in table.columns]


def _contract(table: Table, source: str, minor_units: int) -> str:
    return contract_form(table, _names(table), f"(select {_select(table, minor_units)} from {source})")


def _select(table: Table, minor_units: int) -> str:
    """Return the SQL that converts a request's fields to the lake's types."""
    return ", ".join(["customer_id", *(_field(column, minor_units) for column in _columns(table))])


def _columns(table: Table) -> list[Column]:
    return [column for column in table.columns if column.name != "customer_id"]


def _field(column: Column, minor_units: int) -> str:
    value = f"row.{column.name}"
    if column.kind == "money":  # via a decimal, as in ingest: in binary, 1.005 * 100 is less than 100.5
        value = f"round(cast({value} as decimal(28, 6)) * {10**minor_units})"
    return f"cast({value} as {column.lake_type}) as {column.lake_name}"


def _shape() -> str:
    """Return the JSON structure of a request's customers for DuckDB's from_json."""

    def fields(table: Table) -> str:
        return ", ".join(f'"{column.name}": "{JSON_TYPES[column.kind]}"' for column in _columns(table))

    lists = f'"orders": [{{{fields(ORDERS)}}}], "events": [{{{fields(EVENTS)}}}]'
    return f"[{{{fields(CUSTOMERS)}, {lists}}}]"
