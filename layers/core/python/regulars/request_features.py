"""A request's customers through the bundle's SQL: one statement, planned once for each connection.

Planning the files takes DuckDB longer than running them over a few customers. It keeps the plan of a prepared statement
only where no optimiser has looked at the data and no parameter is open, so the optimisers are off here, and `as_of`
comes from a one-row table as the request does.
"""

import queue
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import duckdb
from pydantic import TypeAdapter

from regulars.bundle import Bundle
from regulars.features import ORDER, FeatureTable, as_of_params, bind_cut_points
from regulars.lake import contract_form
from regulars.requests import Customer
from regulars.schema import CUSTOMERS, EVENTS, ORDERS, Column, Table
from regulars.sql import RawSql, SqlFolder

JSON_TYPES = {"text": "VARCHAR", "time": "TIMESTAMPTZ", "money": "DOUBLE", "number": "DOUBLE", "flag": "BOOLEAN"}
ASKED = "as_of timestamp, as_of_s bigint, customers varchar"
PARAMS = {"as_of": RawSql("(select as_of from asked)"), "as_of_s": RawSql("(select as_of_s from asked)")}
JSON = TypeAdapter(list[Customer])


class Plan:
    """The statement on a connection of its own: one request at a time."""

    def __init__(self, database: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
        self._connection = database.cursor()
        self._connection.execute("pragma disable_optimizer")
        bind_cut_points(self._connection, bundle.cut_points)
        self._connection.execute(f"create temp table asked ({ASKED})")
        self._connection.execute(f"prepare features as {statement(bundle.sql, bundle.manifest.minor_units)}")

    def features(self, customers: Sequence[Customer], as_of: datetime) -> FeatureTable:
        """Return the features of those customers who have an order before `as_of`, in the order of customer_id."""
        try:
            ask(self._connection, customers, as_of)
            return replace(FeatureTable.fetch(self._connection.execute("execute features")), as_of=as_of)
        finally:
            self._connection.execute("truncate asked")  # nobody's history stays


def ask(connection: duckdb.DuckDBPyConnection, customers: Sequence[Customer], as_of: datetime) -> None:
    """Put a request into the table `asked`: its customers as the JSON that they came as, checked."""
    row = as_of_params(as_of) | {"customers": JSON.dump_json(list(customers), exclude_none=True).decode()}
    connection.execute("insert into asked values (cast($as_of as timestamp), $as_of_s, $customers)", row)


class Plans:
    """As many plans as there are requests at once, kept for the next."""

    def __init__(self, database: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
        self._database = database
        self._bundle = bundle
        self._idle: queue.SimpleQueue[Plan] = queue.SimpleQueue()

    def prepare(self) -> None:
        """Have a plan ready for the next request."""
        self._idle.put(Plan(self._database, self._bundle))

    def features(self, customers: Sequence[Customer], as_of: datetime) -> FeatureTable:
        """Return the features of those customers who have an order before `as_of`, in the order of customer_id."""
        try:
            plan = self._idle.get_nowait()
        except queue.Empty:
            plan = Plan(self._database, self._bundle)
        try:
            return plan.features(customers, as_of)
        finally:
            self._idle.put(plan)


def statement(sql: SqlFolder, minor_units: int) -> str:
    """Return the one statement from the table `asked` to the features."""
    return f"""with {contract(sql, minor_units)},
{sql.compose(ORDER, PARAMS)}
select * from customer_features order by customer_id"""


def contract(sql: SqlFolder, minor_units: int) -> str:
    """Return the CTEs that end in orders, events and customers, from the table `asked`.

    Orders pass through the same staging files as a shop's export, so that one history means one thing everywhere.
    """
    staging = sql.compose(["order_lines"], {})
    orders = contract_form(ORDERS, _names(ORDERS), f"({sql.relations['orders'].bound({})})")
    return f"""request as (select unnest(from_json(customers, '{_shape()}')) as customer from asked),
request_orders as (select customer.customer_id, unnest(customer.orders) as row from request),
request_events as (select customer.customer_id, unnest(customer.events) as row from request),
staged_orders as (select {_select(ORDERS, minor_units)}, null as attributes from request_orders),
{staging},
orders as ({orders}),
events as ({_contract(EVENTS, "request_events", minor_units)}),
customers as ({_contract(CUSTOMERS, "(select customer.customer_id, customer as row from request)", minor_units)})"""


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
    return f'[{{"customer_id": "VARCHAR", {fields(CUSTOMERS)}, {lists}}}]'
