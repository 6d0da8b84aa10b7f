"""Score customers: the same code for a lake, a batch file and a request."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from regulars.actions.advice import Advisor
from regulars.data.lake import LakeInfo, attach
from regulars.data.schema import NO_CURRENCY
from regulars.errors import LakeError
from regulars.features.relations import make_features
from regulars.features.table import FeatureTable
from regulars.models.bundle import Manifest
from regulars.models.loader import ModelLoader
from regulars.models.tasks import TASKS, Prediction
from regulars.scoring.score_file import RFM, ScoreFile

REASONS = 3
"""Default number of reasons for each prediction."""

BLOCK = 4096
"""Customers scored at a time: their arrays fit in a core's cache, and memory does not grow with all customers."""

__all__ = ["REASONS", "RFM", "features_of", "predict", "score"]


def features_of(connection: duckdb.DuckDBPyConnection, loader: ModelLoader, as_of: datetime) -> FeatureTable:
    """Return the features of every customer with an order before `as_of`, by the bundle's own SQL."""
    make_features(connection, loader.bundle.sql, as_of, loader.bundle.cut_points)
    return replace(FeatureTable.read(connection), as_of=as_of)


def predict(loader: ModelLoader, table: FeatureTable, tasks: Sequence[str], reasons: int = 0) -> dict[str, Prediction]:
    """Return each task's prediction for the customers of `table`, with up to `reasons` reasons each."""
    return {task: loader[task].predict(table, reasons) for task in tasks}


def score(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    loader: ModelLoader,
    as_of: datetime,
    out: Path,
    reasons: int = REASONS,
) -> int:
    """Score every customer of a lake, write the score file in the order of customer_id, and return their number.

    LakeError: the lake has another currency or other minor units than the bundle.
    """
    make_lake_features(connection, lake, loader, as_of)
    return score_features(connection, "customer_features", loader, as_of, out, reasons)


def make_lake_features(connection: duckdb.DuckDBPyConnection, lake: Path, loader: ModelLoader, as_of: datetime) -> None:
    """Make the relation `customer_features` of a lake, by the bundle's own SQL. Errors as in `score`."""
    _refuse_other_currency(attach(connection, lake), loader.bundle.manifest, lake)
    make_features(connection, loader.bundle.sql, as_of, loader.bundle.cut_points)


def score_features(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    loader: ModelLoader,
    as_of: datetime,
    out: Path,
    reasons: int = REASONS,
) -> int:
    """Score the customers of a relation of features, write the score file, and return their number."""
    # Keeps the order of rows, so that the file's bytes do not depend on threads.
    connection.execute("set preserve_insertion_order = true")
    try:
        ordered = f"select * from {relation} order by customer_id"
        created = connection.execute(f"create or replace temp table to_score as {ordered}").fetchall()
        customers = int(created[0][0])
        file, advisor = ScoreFile(connection, loader.bundle.manifest, as_of), Advisor(loader.bundle)
        for start in range(0, customers, BLOCK):
            rows = f"select * from to_score where rowid >= {start} and rowid < {start + BLOCK}"
            table = replace(FeatureTable.fetch(connection.execute(rows)), as_of=as_of)
            predictions = predict(loader, table, list(TASKS), reasons)
            advice = advisor.advise(connection, table, predictions) if advisor.carried else None
            file.add(table, predictions, advice)
        file.write(out)
    finally:
        connection.execute("drop table if exists to_score")
        connection.execute("set preserve_insertion_order = false")
    return customers


def _refuse_other_currency(info: LakeInfo, manifest: Manifest, lake: Path) -> None:
    """Raise LakeError for another currency or other minor units: amounts would be read as the bundle's currency."""
    unnamed = NO_CURRENCY in (info.currency, manifest.currency)
    if info.minor_units != manifest.minor_units or not (unnamed or info.currency == manifest.currency):
        raise LakeError(
            f"{lake} is in {info.currency} with {info.minor_units} decimals, bundle {manifest.bundle} in "
            f"{manifest.currency} with {manifest.minor_units}; set the currency in the map, or train on this lake"
        )
