"""The score file: one row for each customer, with the predictions of every task and their reasons.

Reasons are a list of structs, as in the API, in the column `<task>_reasons`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.actions.recommend import Recommendation
from regulars.data.atomic_files import atomic_file
from regulars.data.sql import literal
from regulars.features.table import FeatureTable
from regulars.models.bundle import Manifest
from regulars.models.reasons import Reasons, group_of
from regulars.models.tasks import Prediction

RFM = ("recency_score", "frequency_score", "monetary_score", "rfm_cell")

ADVICE = {
    "action": ("action", "varchar"),
    "channel": ("channel", "varchar"),
    "arm": ("arm", "varchar"),
    "action_cost": ("cost", "double"),
    "expected_profit": ("expected_profit", "double"),
    "expected_profit_low": ("low", "double"),
    "expected_profit_high": ("high", "double"),
    "break_even_effect": ("break_even_effect", "double"),
    "action_reason": ("reason", "varchar"),
}
"""Columns of the recommendation: its field and type."""

Columns = dict[str, npt.NDArray[Any]]


class ScoreFile:
    """Collects blocks of scores in a table of the connection, in order, and writes them.

    The table has one column for each rank and field of the reasons. `write` makes lists of them, once for the file.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, manifest: Manifest, as_of: datetime) -> None:
        self._connection, self._manifest, self._as_of = connection, manifest, as_of
        self._selected: list[str] = []
        connection.execute("drop table if exists scores_to_write")

    def add(
        self,
        table: FeatureTable,
        predictions: Mapping[str, Prediction],
        advice: Sequence[Recommendation] | None = None,
    ) -> None:
        """Add the predictions for the customers of `table`, and their recommendations if the bundle carries a plan."""
        columns: Columns = {"customer_id": table.customer_ids}
        selected = ["customer_id", *self._constant_columns()]
        for task, prediction in predictions.items():
            for name, values in prediction.columns.items():
                days = values.dtype == np.dtype("datetime64[D]")  # DuckDB cannot read a NumPy array of days
                columns[name] = values.astype("datetime64[us]") if days else values
                selected.append(f"cast({name} as date) as {name}" if days else name)
            if prediction.reasons is not None:
                columns |= _reason_columns(task, prediction.reasons)
                selected.append(_reason_list(task, prediction.reasons))
        columns |= {name: table.columns[name].astype(np.int16) for name in RFM}
        selected += RFM
        if advice is not None:
            columns |= _advice_columns(advice)
            selected += [
                name if kind == "varchar" else f"if(isnan({name}), null, {name}) as {name}"
                for name, (_, kind) in ADVICE.items()
            ]
        self._selected = selected
        self._insert(columns)

    def write(self, out: Path) -> None:
        """Write all added blocks as one Parquet file, atomically."""
        query = f"select {', '.join(self._selected)} from scores_to_write"
        with atomic_file(out) as partial:
            self._connection.execute(f"copy ({query}) to {literal(str(partial))} (format parquet)")
        self._connection.execute("drop table scores_to_write")

    def _insert(self, columns: Columns) -> None:
        # A text column without any value has no type of its own.
        text = [f"cast({name} as varchar)" if values.dtype == object else name for name, values in columns.items()]
        query = f"select {', '.join(text)} from block_of_scores"
        self._connection.register("block_of_scores", columns)
        try:
            names = ", ".join(columns)
            self._connection.execute(f"create temp table if not exists scores_to_write({names}) as {query} limit 0")
            self._connection.execute(f"insert into scores_to_write {query}")
        finally:
            self._connection.unregister("block_of_scores")

    def _constant_columns(self) -> list[str]:
        moment = self._as_of.replace(tzinfo=None).isoformat(sep=" ")
        return [
            f"timestamp {literal(moment)} as as_of",
            f"cast({self._manifest.horizon_days} as integer) as horizon_days",
            f"{literal(self._manifest.bundle)} as bundle",
        ]


def _advice_columns(advice: Sequence[Recommendation]) -> Columns:
    """Return the columns of the recommendations, rounded as in the API; NaN where there is no break-even."""
    columns: Columns = {}
    for name, (field, kind) in ADVICE.items():
        values = [getattr(recommendation, field) for recommendation in advice]
        columns[name] = np.array(values, dtype=object) if kind == "varchar" else np.array(values, dtype=float).round(6)
    return columns


def _reason_columns(task: str, reasons: Reasons) -> Columns:
    """Return one column for each rank and field. Features are indices into the names, which DuckDB looks up."""
    columns: Columns = {}
    for rank in range(reasons.features.shape[1]):
        for field in ("features", "values", "effects", "texts"):
            columns[f"{task}_{rank}_{field}"] = np.ascontiguousarray(getattr(reasons, field)[:, rank])
    return columns


def _reason_list(task: str, reasons: Reasons) -> str:
    """Return the SQL expression that makes a list of structs of those columns."""
    return f"[{', '.join(_structs(task, reasons))}] as {task}_reasons"


def _structs(task: str, reasons: Reasons) -> Iterator[str]:
    features = f"[{', '.join(literal(name) for name in reasons.names)}]"
    groups = f"[{', '.join(literal(group_of(name)) for name in reasons.names)}]"
    for rank in range(reasons.features.shape[1]):
        cell = f"{task}_{rank}"
        yield (
            f"{{'feature': {features}[{cell}_features + 1], 'group': {groups}[{cell}_features + 1], "
            f"'value': if(isnan({cell}_values), null, {cell}_values), 'effect': {cell}_effects, 'text': {cell}_texts}}"
        )
