"""From bound orders to one row of answers per customer: the same code for a lake, a batch file and a request."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.bundle import Manifest
from regulars.errors import LakeError
from regulars.features import FeatureTable, make_features
from regulars.files import atomic_file
from regulars.lake import LakeInfo, attach
from regulars.loader import ModelLoader
from regulars.schema import NO_CURRENCY
from regulars.tasks import TASKS, Prediction

RFM = ("recency_score", "frequency_score", "monetary_score", "rfm_cell")


def features_of(connection: duckdb.DuckDBPyConnection, loader: ModelLoader, as_of: datetime) -> FeatureTable:
    """Return the features of every customer with an order before `as_of`, by the bundle's own SQL."""
    make_features(connection, loader.bundle.sql, as_of, loader.bundle.cut_points)
    return replace(FeatureTable.read(connection), as_of=as_of)


def predict(loader: ModelLoader, table: FeatureTable, tasks: Sequence[str], reasons: int = 0) -> dict[str, Prediction]:
    """Return each task's prediction for the same customers."""
    return {task: loader[task].predict(table, reasons) for task in tasks}


def score_columns(loader: ModelLoader, table: FeatureTable, as_of: datetime) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a score file, in order: identity, every task's answers, RFM scores."""
    manifest = loader.bundle.manifest
    rows = len(table)
    columns: dict[str, npt.NDArray[Any]] = {
        "customer_id": table.customer_ids,
        "as_of": np.full(rows, as_of.replace(tzinfo=None), dtype="datetime64[us]"),
        "horizon_days": np.full(rows, manifest.horizon_days, dtype=np.int32),
        "bundle": np.full(rows, manifest.bundle, dtype=object),
    }
    for prediction in predict(loader, table, list(TASKS)).values():
        columns |= prediction.columns
    return columns | {name: table.columns[name].astype(np.int16) for name in RFM}


def write_parquet(connection: duckdb.DuckDBPyConnection, columns: dict[str, npt.NDArray[Any]], out: Path) -> None:
    """Write equally long columns as one Parquet file, atomically; whole days become dates."""
    days = {name for name, values in columns.items() if values.dtype == np.dtype("datetime64[D]")}
    # DuckDB reads no NumPy array of days.
    instants = {name: values.astype("datetime64[us]") if name in days else values for name, values in columns.items()}
    selected = ", ".join(f"cast({name} as date) as {name}" if name in days else name for name in columns)
    connection.register("columns_to_write", instants)
    try:
        with atomic_file(out) as partial:
            query = f"copy (select {selected} from columns_to_write) to $out (format parquet)"
            connection.execute(query, {"out": str(partial)})
    finally:
        connection.unregister("columns_to_write")


def score(
    connection: duckdb.DuckDBPyConnection, lake: Path, loader: ModelLoader, as_of: datetime, out: Path
) -> FeatureTable:
    """Score every customer of a lake and write the score file; returns the features that the scores came from.

    LakeError when the lake counts in another currency than the bundle.
    """
    _refuse_other_money(attach(connection, lake), loader.bundle.manifest, lake)
    table = features_of(connection, loader, as_of)
    write_parquet(connection, score_columns(loader, table, as_of), out)
    return table


def _refuse_other_money(info: LakeInfo, manifest: Manifest, lake: Path) -> None:
    """Amounts in another currency, or counted in other minor units, would be scored as if they were the bundle's."""
    unnamed = NO_CURRENCY in (info.currency, manifest.currency)
    if info.minor_units != manifest.minor_units or not (unnamed or info.currency == manifest.currency):
        raise LakeError(
            f"{lake} is in {info.currency} with {info.minor_units} decimals, bundle {manifest.bundle} in "
            f"{manifest.currency} with {manifest.minor_units}; say the currency in the map, or train on this lake"
        )
