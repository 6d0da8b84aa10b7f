"""Snapshots: features at each cutoff, from the SQL that serves, with the outcome after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars.features.cut_points import CutPoints
from regulars.features.relations import make_features_learning
from regulars.features.table import FeatureTable
from regulars.instants import as_of_params
from regulars.models import process_forecasts, purchase_process
from regulars_training.purchase_process import fit as fit_process

FEW_CUSTOMERS = 50
"""A cutoff needs this many customers, and a tenth as many of either outcome."""

NOT_FEATURES = ("recency_score", "frequency_score", "monetary_score", "rfm_cell")
"""Scores are coarse copies of features that the models already have: they are results, not inputs."""

CUSTOMERS = 100_000
"""Most customers of one cutoff; above this number a fixed sample is taken, since more do not improve the models."""


@dataclass(frozen=True)
class Dataset:
    """Stacked snapshots, a row for each cutoff and customer: features, targets, process forecasts, last period.

    The purchase process of each snapshot was fitted at its own cutoff.
    """

    frame: pl.DataFrame
    features: tuple[str, ...]

    def at(self, cutoffs: Sequence[datetime]) -> "Dataset":
        """Return only the snapshots of these cutoffs."""
        moments = [cutoff.replace(tzinfo=None) for cutoff in cutoffs]
        return Dataset(self.frame.filter(pl.col("cutoff").is_in(moments)), self.features)

    @property
    def matrix(self) -> npt.NDArray[np.float32]:
        """The features, shape (rows, features), NaN for null."""
        return self.frame.select(self.features).to_numpy().astype(np.float32, copy=False)

    @property
    def cutoffs(self) -> list[datetime]:
        """The cutoffs of the snapshots, in no order."""
        return [moment.replace(tzinfo=UTC) for moment in self.frame["cutoff"].unique().to_list()]

    @property
    def table(self) -> FeatureTable:
        """The purchase process's columns as the tasks read them, in float64."""
        names = (*process_forecasts.FEATURES, *process_forecasts.HORIZON)
        return FeatureTable(self.frame["customer_id"].to_numpy(), {name: self[name] for name in names})

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        """Return one column, shape (rows,)."""
        return self.frame[name].to_numpy().astype(np.float64)

    def in_window(self) -> "Dataset":
        """Return the rows with the label window as their horizon."""
        window = {"horizon_orders": "process_orders", "horizon_no_order": "process_no_order"}
        return Dataset(
            self.frame.with_columns(pl.col(source).alias(name) for name, source in window.items()), self.features
        )

    def groups(self) -> list[npt.NDArray[np.bool_]]:
        """Return one mask of rows for each cutoff, newest first."""
        moments = self.frame["cutoff"].to_numpy()
        return [moments == moment for moment in np.unique(moments)[::-1]]

    @property
    def value_cents(self) -> npt.NDArray[np.float64]:
        """Value of the orders in the label window, in minor units."""
        return self.frame["future_value_cents"].to_numpy()

    @property
    def churned(self) -> npt.NDArray[np.bool_]:
        """Whether the label window holds no order."""
        return np.asarray(self.frame["future_orders"].to_numpy() == 0, dtype=np.bool_)

    def weights(self, decay: float) -> npt.NDArray[np.float64]:
        """Return each row's weight: `decay` to the power of the number of newer cutoffs."""
        rank = self.frame["cutoff"].rank("dense", descending=True).to_numpy()
        return np.asarray(decay ** (rank - 1.0), dtype=np.float64)


@dataclass(frozen=True)
class Snapshot:
    """One cutoff: features of all customers, the constants learnt from them, and the rows to train on."""

    table: FeatureTable
    cut_points: CutPoints
    process: purchase_process.Process
    frame: pl.DataFrame


def snapshot(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    cutoff: datetime,
    label_days: int,
    horizon_days: int | None = None,
) -> Snapshot:
    """Make one snapshot. Cut points and purchase process are learnt at its own cutoff, so nothing later leaks in."""
    cut_points = make_features_learning(connection, sql, cutoff)
    table = FeatureTable.read(connection)
    _refuse_infinite(table)
    ahead = _window(connection, sql, cutoff, cutoff + timedelta(days=label_days))
    behind = _window(connection, sql, cutoff - timedelta(days=label_days), cutoff)
    fitted = fit_process(purchase_process.Purchases.from_table(table))
    rows = np.sort(np.random.default_rng(7).permutation(len(table))[:CUSTOMERS])
    sample = FeatureTable(table.customer_ids[rows], {name: values[rows] for name, values in table.columns.items()})
    sample = process_forecasts.with_process(sample, fitted, label_days, horizon_days or label_days)
    frame = pl.DataFrame(
        {
            "cutoff": np.full(len(rows), cutoff.replace(tzinfo=None), dtype="datetime64[us]"),
            "customer_id": pl.Series(sample.customer_ids, dtype=pl.String),
            **{name: values.astype(np.float32) for name, values in sample.columns.items()},
            "future_value_cents": ahead.columns["future_value_cents"][rows],
            "future_orders": ahead.columns["future_orders"][rows],
            "last_period_cents": behind.columns["future_value_cents"][rows],
        }
    )
    return Snapshot(table, cut_points, fitted, frame)


def _refuse_infinite(table: FeatureTable) -> None:
    for name, values in table.columns.items():
        if np.isinf(values).any():
            customer = table.customer_ids[np.isinf(values).argmax()]
            raise HistoryError(f"{name} of customer {customer} is infinite; check that customer's amounts and times")


def _window(connection: duckdb.DuckDBPyConnection, sql: SqlFolder, start: datetime, end: datetime) -> FeatureTable:
    """Sum orders in [start, end) for the customers of the current relation `purchases`."""
    params = {name: as_of_params(moment)["as_of"] for name, moment in (("as_of", start), ("label_end", end))}
    sql.materialise(connection, ["future"], params)
    return FeatureTable.read(connection, "future")


def build(  # noqa: PLR0913 - independent options
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    cutoffs: Sequence[datetime],
    label_days: int,
    advance: Callable[[], None] = lambda: None,
    *,
    horizon_days: int | None = None,
    needed: Sequence[datetime] | None = None,
) -> Dataset:
    """Stack the snapshots of the cutoffs. Those with too few customers or only one outcome are left out.

    HistoryError when such a cutoff is among `needed`, by default all of them.
    """
    frames = []
    for cutoff in cutoffs:
        frame = snapshot(connection, sql, cutoff, label_days, horizon_days).frame
        advance()
        cause = why_thin(len(frame), int((frame["future_orders"] > 0).sum()), cutoff, label_days)
        if cause is None:
            frames.append(frame)
        elif needed is None or cutoff in needed:
            raise HistoryError(cause)
    return stacked(frames)


def stacked(frames: Sequence[pl.DataFrame]) -> Dataset:
    """Stack the frames of snapshots."""
    return Dataset(pl.concat(frames), tuple(name for name in frames[0].columns if name not in _NOT_MODEL_INPUTS))


_NOT_MODEL_INPUTS = (
    *("cutoff", "customer_id", "future_value_cents", "future_orders", "last_period_cents"),
    *(*NOT_FEATURES, *process_forecasts.HORIZON),
)


def why_thin(customers: int, stayed: int, cutoff: datetime, label_days: int) -> str | None:
    """Return why a cutoff is too thin to train on; None when it is not.

    `customers` ordered before the cutoff, `stayed` of them ordered again within `label_days` after it.
    """
    if customers < FEW_CUSTOMERS:
        return (
            f"only {customers} customers ordered before {cutoff:%Y-%m-%d}, one of the training cutoffs; "
            f"at least {FEW_CUSTOMERS} are needed: bring more history, or a later --as-of"
        )
    if min(stayed, customers - stayed) < FEW_CUSTOMERS // 10:
        return (
            f"of {customers} customers at {cutoff:%Y-%m-%d}, {stayed} ordered within {label_days} days: "
            "with nearly all or none churned the models cannot be trained; choose another --horizon"
        )
    return None


def history(connection: duckdb.DuckDBPyConnection) -> tuple[datetime, datetime]:
    """Return the instants of the first and the last order; HistoryError when there is no order."""
    query = "select min(ordered_at), max(ordered_at) from orders where not is_return"
    [(first, last)] = connection.execute(query).fetchall()
    if first is None:
        raise HistoryError("the lake has no order that is not a return; ingest orders first")
    return first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)


def outcome(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, data: Dataset, moment: datetime, days: int
) -> Dataset:
    """Return the rows of one snapshot, labelled with the `days` after `moment` and the last period before it."""
    sql.materialise(connection, ["purchases"], as_of_params(moment))
    ahead = _window(connection, sql, moment, moment + timedelta(days=days))
    behind = _window(connection, sql, moment - timedelta(days=days), moment)
    labels = pl.DataFrame(
        {
            "customer_id": pl.Series(ahead.customer_ids, dtype=pl.String),
            "future_value_cents": ahead.columns["future_value_cents"],
            "future_orders": ahead.columns["future_orders"],
            "last_period_cents": behind.columns["future_value_cents"],
        }
    )
    features = data.frame.drop("future_value_cents", "future_orders", "last_period_cents")
    return Dataset(features.join(labels, on="customer_id", how="left", maintain_order="left"), data.features)
