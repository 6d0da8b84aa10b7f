"""Snapshots: features at each cutoff with what happened after it, by the same SQL that serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
from regulars import features
from regulars.errors import HistoryError
from regulars.sql import SqlFolder

FEW_CUSTOMERS = 50
"""Below this many customers at a cutoff, or tenth as many of either outcome, nothing is learnt."""

NOT_FEATURES = ("recency_score", "frequency_score", "monetary_score", "rfm_cell")
"""Scores are coarse copies of what the models already see, learnt at one moment: answers, not features."""


@dataclass(frozen=True)
class Dataset:
    """Snapshots stacked in one table: cutoff, customer_id, features, targets and the last period's spend."""

    frame: pl.DataFrame
    features: tuple[str, ...]

    def at(self, cutoffs: Sequence[datetime]) -> "Dataset":
        """Return the snapshots of the given cutoffs only."""
        moments = [cutoff.replace(tzinfo=None) for cutoff in cutoffs]
        return Dataset(self.frame.filter(pl.col("cutoff").is_in(moments)), self.features)

    @property
    def matrix(self) -> npt.NDArray[np.float32]:
        """The features, shape (rows, features), NaN for null."""
        return self.frame.select(self.features).to_numpy().astype(np.float32, copy=False)

    @property
    def value_cents(self) -> npt.NDArray[np.float64]:
        """Value of the orders in the label window."""
        return self.frame["future_value_cents"].to_numpy()

    @property
    def churned(self) -> npt.NDArray[np.bool_]:
        """Whether the label window holds no order."""
        return np.asarray(self.frame["future_orders"].to_numpy() == 0, dtype=np.bool_)

    def weights(self, decay: float) -> npt.NDArray[np.float64]:
        """Weigh each row by `decay` to the number of newer cutoffs."""
        rank = self.frame["cutoff"].rank("dense", descending=True).to_numpy()
        return np.asarray(decay ** (rank - 1.0), dtype=np.float64)


def snapshot(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, cutoff: datetime, label_days: int
) -> tuple[features.FeatureTable, pl.DataFrame]:
    """Make one snapshot; its RFM cut points are its own, so that nothing later than the cutoff shows."""
    features.make_features_learning(connection, sql, cutoff)
    table = features.FeatureTable.read(connection)
    ahead = _window(connection, sql, cutoff, cutoff + timedelta(days=label_days))
    behind = _window(connection, sql, cutoff - timedelta(days=label_days), cutoff)
    frame = pl.DataFrame(
        {
            "cutoff": np.full(len(table), cutoff.replace(tzinfo=None), dtype="datetime64[us]"),
            "customer_id": pl.Series(table.customer_ids, dtype=pl.String),
            **{name: values.astype(np.float32) for name, values in table.columns.items()},
            "future_value_cents": ahead.columns["future_value_cents"],
            "future_orders": ahead.columns["future_orders"],
            "last_period_cents": behind.columns["future_value_cents"],
        }
    )
    return table, frame


def _window(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, start: datetime, end: datetime
) -> features.FeatureTable:
    """Sum up [start, end) for the customers of the relation `purchases` at hand."""
    params = {name: features.as_of_params(moment)["as_of"] for name, moment in (("as_of", start), ("label_end", end))}
    sql.materialise(connection, ["future"], params)
    return features.FeatureTable.read(connection, "future")


def build(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    cutoffs: Sequence[datetime],
    label_days: int,
    advance: Callable[[], None] = lambda: None,
) -> Dataset:
    """Stack the snapshots of all cutoffs; HistoryError when one has too few customers or only one outcome."""
    frames = []
    for cutoff in cutoffs:
        _, frame = snapshot(connection, sql, cutoff, label_days)
        _refuse_thin(frame, cutoff, label_days)
        frames.append(frame)
        advance()
    names = [name for name in frames[0].columns if name not in _OTHER]
    return Dataset(pl.concat(frames), tuple(names))


_OTHER = ("cutoff", "customer_id", "future_value_cents", "future_orders", "last_period_cents", *NOT_FEATURES)


def _refuse_thin(frame: pl.DataFrame, cutoff: datetime, label_days: int) -> None:
    refusal = thin(len(frame), int((frame["future_orders"] > 0).sum()), cutoff, label_days)
    if refusal:
        raise HistoryError(refusal)


def thin(customers: int, stayed: int, cutoff: datetime, label_days: int) -> str | None:
    """Say why nothing can be learnt from a cutoff before which so many had ordered; None when it can."""
    if customers < FEW_CUSTOMERS:
        return (
            f"only {customers} customers ordered before {cutoff:%Y-%m-%d}, one of the cutoffs to learn from; "
            f"at least {FEW_CUSTOMERS} are needed: bring more history, or a later --as-of"
        )
    if min(stayed, customers - stayed) < FEW_CUSTOMERS // 10:
        return (
            f"of {customers} customers at {cutoff:%Y-%m-%d}, {stayed} ordered within {label_days} days: "
            "with nearly all or none churned there is nothing to learn; choose another --horizon"
        )
    return None


def history(connection: duckdb.DuckDBPyConnection) -> tuple[datetime, datetime]:
    """Return the first and the last order's instant; HistoryError when there is no order."""
    query = "select min(ordered_at), max(ordered_at) from orders where not is_return"
    [(first, last)] = connection.execute(query).fetchall()
    if first is None:
        raise HistoryError("the lake has no order that is not a return; ingest orders first")
    return first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)
