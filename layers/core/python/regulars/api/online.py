"""One request scored: its customers' features made in one pass, or taken as they came, and each task asked once."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.api.ready_features import ReadyColumns, stacked
from regulars.api.request_features import PreparedStatements
from regulars.api.requests import Checked, Customer, ReadyCustomer, Rejected
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
    """The customers that were answered, in the request's order, and those that were not."""

    table: FeatureTable
    rows: Sequence[int]
    predictions: Mapping[str, Prediction]
    rejected: Sequence[Rejected]

    def answers(self, task: str) -> list[dict[str, Any]]:
        """Return one task's fields for every row of the feature table, as plain Python values."""
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
    """Return this process's DuckDB; each request works on a cursor, with temporary tables of its own."""
    return connect(settings().memory_limit, settings().threads, settings().temp_directory, files=False)


@cache
def _statements(loader: ModelLoader) -> PreparedStatements:
    return PreparedStatements(database(), loader.bundle)


def forget() -> None:
    """Let go of the database and of what was prepared on it."""
    for cached in (_statements, _ready, database):
        cached.cache_clear()


def open_statements(loader: ModelLoader) -> None:
    """Open the database and prepare the statement before anybody asks."""
    with _FIRST:
        _statements(loader).prepare()


@cache
def _ready(loader: ModelLoader) -> ReadyColumns:
    return ReadyColumns.of(loader.bundle)


def _made(customers: Sequence[Customer], loader: ModelLoader, as_of: datetime) -> FeatureTable:
    with _FIRST:  # requests that come together before there are statements must not make them each
        statements = _statements(loader)
    try:
        with timed("Features"):
            return statements.features(customers, as_of)
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise RequestError("the amounts of one customer sum beyond what can be counted; check order_value") from error


def _features(checked: Checked, loader: ModelLoader, as_of: datetime, needed: Sequence[str]) -> Iterator[FeatureTable]:
    """Make features of histories, and lay out those that came ready; who has a fault moves to the rejected."""
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
        yield _made(histories, loader, as_of)
    if ready:
        yield _ready(loader).table(ready, as_of)


def _finite(table: FeatureTable, predictions: Mapping[str, Prediction]) -> npt.NDArray[np.bool_]:
    """Say which rows have numbers in all answers, shape (rows,)."""
    answers = (values for prediction in predictions.values() for values in prediction.columns.values())
    fine = np.ones(len(table), dtype=np.bool_)
    for values in answers:
        if values.dtype.kind == "f":
            fine &= np.isfinite(values)
    return fine


def score_checked(
    checked: Checked, as_of: datetime, loader: ModelLoader, tasks: Sequence[str], reasons: int = REASONS
) -> Scored:
    """Score a request's good customers; for all tasks at once, features that come ready must hold RFM scores, too.

    One bad customer is rejected by index and cause and the others are answered; NobodyAnsweredError when none is left,
    or LimitError when size alone is the cause.
    """
    tables = list(_features(checked, loader, as_of, RFM if len(tasks) > 1 else ()))
    if not tables:
        raise nobody(checked.rejected)
    table = stacked(tables)
    with timed("Models"):
        predictions = predict(loader, table, tasks, reasons)
    fine = _finite(table, predictions).tolist()
    found = {customer_id: row for row, customer_id in enumerate(table.customer_ids.tolist())}
    rows = []
    for index, customer in list(checked.good.items()):
        row = found.get(customer.customer_id)
        if row is None:
            checked.reject(index, "no_order", NO_ORDER)
        elif fine[row]:
            rows.append(row)
        else:
            checked.reject(index, "no_answer", NO_ANSWER)
    if not rows:
        raise nobody(checked.rejected)
    return Scored(table, rows, predictions, sorted(checked.rejected, key=lambda one: one.index))


def nobody(rejected: Sequence[Rejected]) -> RequestError:
    """Return the error of a request that leaves nobody to answer."""
    first = min(rejected, key=lambda one: one.index)
    said = f"no customer could be answered; customers.{first.index}: {first.reason}"
    if all(one.cause == "too_large" for one in rejected):
        return LimitError(said, "max_customer_rows", settings().max_customer_rows)
    return NobodyAnsweredError(said)
