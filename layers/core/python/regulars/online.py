"""One request scored: its customers validated one by one, their features made in one pass, each task asked once."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import duckdb

from regulars.errors import RequestError, TooManyCustomersError
from regulars.features import FeatureTable
from regulars.loader import ModelLoader
from regulars.observability import timed
from regulars.request_features import Plans
from regulars.requests import Customer, Rejected, validate_customers
from regulars.scoring import RFM, predict
from regulars.settings import settings
from regulars.sql import connect
from regulars.tasks import Prediction

_FIRST = threading.Lock()
REASONS = 3
NO_ORDER = "orders: none that is not a return before as_of"


@dataclass(frozen=True)
class Scored:
    """The customers that were answered, in the request's order, and those that were not."""

    table: FeatureTable
    rows: Sequence[int]
    predictions: Mapping[str, Prediction]
    rejected: Sequence[Rejected]

    def answer(self, row: int, task: str) -> dict[str, Any]:
        """Return one task's fields for a row of the feature table, as plain Python values."""
        prediction = self.predictions[task]
        fields = {name: _plain(values[row]) for name, values in prediction.columns.items()}
        return fields | ({"reasons": prediction.reasons[row]} if prediction.reasons else {})

    def rfm(self, row: int) -> dict[str, int]:
        """Return the RFM scores of a row."""
        return {name: int(self.table.columns[name][row]) for name in RFM}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a NumPy scalar or a Python object
    return value.item() if hasattr(value, "item") else value


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return this process's DuckDB; each request works on a cursor, with temporary tables of its own."""
    return connect(settings().memory_limit, settings().threads, settings().temp_directory, files=False)


@cache
def _plans(loader: ModelLoader) -> Plans:
    return Plans(_database(), loader.bundle)


def _features(customers: Sequence[Customer], loader: ModelLoader, as_of: datetime) -> FeatureTable:
    with _FIRST:  # requests that come together before there are plans must not make them each
        plans = _plans(loader)
    with timed("Features"):
        return plans.features(customers, as_of)


def open_plans(loader: ModelLoader) -> None:
    """Open the database and prepare the statement before anybody asks."""
    with _FIRST:
        _plans(loader).prepare()


def score_request(raw: Sequence[Any], as_of: datetime, loader: ModelLoader, tasks: Sequence[str]) -> Scored:
    """Score a request's customers.

    One bad customer is rejected by index and cause and the others are answered; RequestError when none is left, and
    TooManyCustomersError above the limit of the settings.
    """
    limit = settings().max_customers
    if len(raw) > limit:
        raise TooManyCustomersError(
            f"customers: {len(raw)} in one request, the limit is {limit}; send fewer, or use batch"
        )
    with timed("Validation"):
        good, rejected = validate_customers(raw)
    try:
        table = _features(list(good.values()), loader, as_of) if good else None
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise RequestError("the amounts of one customer sum beyond what can be counted; check order_value") from error
    found = {customer_id: row for row, customer_id in enumerate(table.customer_ids)} if table else {}
    rejected += [
        Rejected(index=index, reason=NO_ORDER) for index, customer in good.items() if customer.customer_id not in found
    ]
    rejected.sort(key=lambda one: one.index)
    if not table:
        raise RequestError(f"no customer could be answered; customers.{rejected[0].index}: {rejected[0].reason}")
    rows = [found[customer.customer_id] for customer in good.values() if customer.customer_id in found]
    with timed("Models"):
        predictions = predict(loader, table, tasks, REASONS)
    return Scored(table, rows, predictions, rejected)
