"""Score one request: make or take the features of all its customers, and run each task once."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.api.contract.customers import Customer, ReadyCustomer, Rejected
from regulars.api.requests.check import Checked
from regulars.api.requests.history_features import PreparedStatements
from regulars.api.requests.ready_features import ReadyColumns, stacked
from regulars.data.sql import connect
from regulars.errors import LimitError, NobodyAnsweredError, RequestError
from regulars.features.table import FeatureTable
from regulars.models.loader import ModelLoader
from regulars.models.tasks import Prediction
from regulars.observability import timed
from regulars.scoring.score import REASONS, RFM, predict
from regulars.settings import settings

_FIRST = threading.Lock()
NO_ORDER = "orders: none that is not a return before as_of"
NO_ANSWER = "no finite answer follows from these values together"


@dataclass(frozen=True)
class Scored:
    """The predictions for a request. `rows` are the rows of scored customers in `table`, in the request's order."""

    table: FeatureTable
    rows: Sequence[int]
    predictions: Mapping[str, Prediction]
    rejected: Sequence[Rejected]

    def fields(self, task: str) -> list[dict[str, Any]]:
        """Return one task's response fields for every row of `table`, as plain Python values."""
        prediction = self.predictions[task]
        columns = {name: values.tolist() for name, values in prediction.columns.items()}
        if prediction.reasons is not None:
            columns["reasons"] = list(prediction.reasons)
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def rfm(self, row: int) -> dict[str, int]:
        """Return the RFM scores of a row."""
        return {name: int(self.table.columns[name][row]) for name in RFM}


@cache
def database() -> duckdb.DuckDBPyConnection:
    """Return this process's DuckDB. Each request uses a cursor, which has its own temporary tables."""
    return connect(settings().memory_limit, settings().threads, settings().temp_directory, files=False)


@cache
def _statements(loader: ModelLoader) -> PreparedStatements:
    return PreparedStatements(database(), loader.bundle)


def forget() -> None:
    """Drop the database and all that was prepared on it."""
    for cached in (_statements, _ready, database):
        cached.cache_clear()


def open_statements(loader: ModelLoader) -> None:
    """Open the database and prepare the statement before the first request."""
    with _FIRST:
        _statements(loader).prepare()


@cache
def _ready(loader: ModelLoader) -> ReadyColumns:
    return ReadyColumns.of(loader.bundle)


def _history_features(customers: Sequence[Customer], loader: ModelLoader, as_of: datetime) -> FeatureTable:
    with _FIRST:  # concurrent first requests must not each make the statements
        statements = _statements(loader)
    try:
        with timed("Features"):
            return statements.features(customers, as_of)
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise RequestError("the amounts of one customer add up to too large a sum; check order_value") from error


def _features(checked: Checked, loader: ModelLoader, as_of: datetime, needed: Sequence[str]) -> Iterator[FeatureTable]:
    """Yield features made from histories, then ready features; reject customers with bad ready features."""
    ready: list[ReadyCustomer] = []
    for index, customer in list(checked.good.items()):
        if isinstance(customer, ReadyCustomer):
            fault = _ready(loader).fault(customer, needed)
            if fault:
                checked.reject(index, "invalid", fault)
            else:
                ready.append(customer)
    histories = [customer for customer in checked.good.values() if isinstance(customer, Customer)]
    if histories:
        yield _history_features(histories, loader, as_of)
    if ready:
        yield _ready(loader).table(ready, as_of)


def _finite(table: FeatureTable, predictions: Mapping[str, Prediction]) -> npt.NDArray[np.bool_]:
    """Return which rows have finite numbers in all predictions, shape (rows,)."""
    columns = (values for prediction in predictions.values() for values in prediction.columns.values())
    finite = np.ones(len(table), dtype=np.bool_)
    for values in columns:
        if values.dtype.kind == "f":
            finite &= np.isfinite(values)
    return finite


def score_checked(
    checked: Checked, as_of: datetime, loader: ModelLoader, tasks: Sequence[str], reasons: int = REASONS
) -> Scored:
    """Score a request's good customers. With several tasks, ready features must include the RFM scores.

    A bad customer is rejected by index and cause; the others are scored. NobodyAnsweredError: none is left. LimitError:
    none is left, and all were too large.
    """
    tables = list(_features(checked, loader, as_of, RFM if len(tasks) > 1 else ()))
    if not tables:
        raise none_scored(checked.rejected)
    table = stacked(tables)
    with timed("Models"):
        predictions = predict(loader, table, tasks, reasons)
    finite = _finite(table, predictions).tolist()
    row_of = {customer_id: row for row, customer_id in enumerate(table.customer_ids.tolist())}
    rows = []
    for index, customer in list(checked.good.items()):
        row = row_of.get(customer.customer_id)
        if row is None:
            checked.reject(index, "no_order", NO_ORDER)
        elif finite[row]:
            rows.append(row)
        else:
            checked.reject(index, "no_answer", NO_ANSWER)
    if not rows:
        raise none_scored(checked.rejected)
    return Scored(table, rows, predictions, sorted(checked.rejected, key=lambda rejected: rejected.index))


def none_scored(rejected: Sequence[Rejected]) -> RequestError:
    """Return the error of a request without any scored customer."""
    first = min(rejected, key=lambda customer: customer.index)
    message = f"no customer could be answered; customers.{first.index}: {first.reason}"
    if all(customer.cause == "too_large" for customer in rejected):
        return LimitError(message, "max_customer_rows", settings().max_customer_rows)
    return NobodyAnsweredError(message)
