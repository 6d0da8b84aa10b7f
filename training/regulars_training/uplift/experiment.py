"""Experiments in a lake's treatments: each customer's features before, arm, and outcome after."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from regulars.arrays import FloatArray
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError
from regulars.features.relations import make_features_learning
from regulars.features.table import FeatureTable
from regulars.instants import midnight_after
from regulars.models import process_forecasts, purchase_process
from regulars_training.data.dataset import NOT_FEATURES, history
from regulars_training.purchase_process import fit as fit_process

DAY_S = 86_400
WAVES = 60
"""Most campaign days that are read, newest first: each needs the features of its own day."""
SOON = 10
"""Days with most of the response to an action: later days add more noise than response."""
ARMS = ("treated", "control")


@dataclass(frozen=True)
class Experiment:
    """One action's rows, stacked over its campaign days: n customers in two arms.

    `rows` are features (n, features) from before the treatment, `treated` is the arm. `orders` and `value_cents` are
    the outcome within the horizon, `soon` the orders of its first SOON days. `expected_cents` is the purchase process's
    expected value of one order.
    """

    rows: npt.NDArray[np.float32]
    treated: npt.NDArray[np.bool_]
    orders: FloatArray
    soon: FloatArray
    value_cents: FloatArray
    expected_cents: FloatArray
    customer_ids: npt.NDArray[np.object_]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.treated)

    def take(self, which: npt.NDArray[np.bool_]) -> "Experiment":
        """Return the rows where `which` is true."""
        return Experiment(*(values[which] for values in vars(self).values()))


@dataclass(frozen=True)
class Logged:
    """All experiments of a lake, with the purchase process fitted on the newest campaign day."""

    actions: dict[str, Experiment]
    features: tuple[str, ...]
    process: purchase_process.Process
    warnings: tuple[str, ...]
    newest: datetime


def read(
    connection: duckdb.DuckDBPyConnection,
    sql: SqlFolder,
    horizon_days: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Logged:
    """Read every campaign day whose horizon ends within the log, with features as of the start of that day.

    HistoryError when the lake has no treatments, or none with a known outcome.
    """
    days, warnings = _days(connection, horizon_days)
    frames = []
    for day in days:
        tell(f"features as of {day:%Y-%m-%d}")
        fitted, frame = _wave(connection, sql, day, horizon_days)
        if len(frame):
            frames.append(frame)
    if not frames:
        raise HistoryError("no treated or control customer had ordered before; effects cannot be learnt")
    stacked = pl.concat(frames)
    ambiguous = int((~stacked["arm"].is_in(ARMS) | (stacked["arm"] != stacked["other_arm"])).sum())
    if ambiguous:
        warnings.append(f"{ambiguous} rows left out: in both arms at once, or in an arm that is neither of {ARMS}")
        stacked = stacked.filter(pl.col("arm").is_in(ARMS) & (pl.col("arm") == pl.col("other_arm")))
    names = tuple(name for name in stacked.columns if name not in _NOT_MODEL_INPUTS)
    actions = {str(key[0]): _experiment(part, names) for key, part in sorted(stacked.group_by("action"))}
    return Logged(actions, names, fitted, tuple(warnings), days[-1])


_NOT_MODEL_INPUTS = (
    *(
        "customer_id",
        "action",
        "arm",
        "other_arm",
        "treated_at_s",
        "soon_orders",
        "future_orders",
        "future_value_cents",
    ),
    *(*NOT_FEATURES, *process_forecasts.HORIZON),
)


def _days(connection: duckdb.DuckDBPyConnection, horizon_days: int) -> tuple[list[datetime], list[str]]:
    rows = connection.execute("select distinct treated_at_day from treatments order by 1").fetchall()
    if not rows:
        raise HistoryError(
            "the lake has no treatments; ingest who was treated and who was held out (customer_id, treated_at, "
            "action, arm), see docs/data-contract.md"
        )
    end = midnight_after(history(connection)[1])
    all_days = [datetime.fromtimestamp(day * DAY_S, UTC) for (day,) in rows]
    known = [day for day in all_days if day + timedelta(days=horizon_days + 1) <= end + timedelta(days=1)]
    if not known:
        raise HistoryError(
            f"no campaign is {horizon_days} days old at the end of the log ({end:%Y-%m-%d}; the first was on "
            f"{all_days[0]:%Y-%m-%d}); give a shorter --horizon, or wait"
        )
    warnings = []
    if len(known) < len(all_days):
        warnings.append(f"{len(all_days) - len(known)} campaign days are too new for a horizon of {horizon_days} days")
    if len(known) > WAVES:
        warnings.append(f"of {len(known)} campaign days the newest {WAVES} are read")
    return known[-WAVES:], warnings


def _wave(
    connection: duckdb.DuckDBPyConnection, sql: SqlFolder, day: datetime, horizon_days: int
) -> tuple[purchase_process.Process, pl.DataFrame]:
    """Return one campaign day's rows, with the purchase process fitted to all customers of that day."""
    try:
        make_features_learning(connection, sql, day)
    except HistoryError:  # treated before the first order
        return purchase_process.Process(r=1, alpha=1, s=1, beta=1, p=1, q=2, gamma=1), pl.DataFrame()
    table = FeatureTable.read(connection)
    fitted = fit_process(purchase_process.Purchases.from_table(table))
    table = process_forecasts.with_process(table, fitted, horizon_days, horizon_days)
    known = pl.DataFrame(
        {"customer_id": pl.Series(table.customer_ids, dtype=pl.String)}
        | {name: values.astype(np.float32) for name, values in table.columns.items()}
    )
    params = {"soon_s": min(SOON, horizon_days) * DAY_S, "horizon_s": horizon_days * DAY_S}
    sql.materialise(connection, ["treated"], {"as_of_s": int(day.timestamp()), **params})
    treated = connection.execute("select * from treated order by customer_id, action").fetchnumpy()
    texts = {
        name: pl.Series(treated.pop(name).tolist(), dtype=pl.String)
        for name in ("customer_id", "action", "arm", "other_arm")
    }
    return fitted, pl.DataFrame(texts | dict(treated)).join(known, on="customer_id", maintain_order="left")


def _experiment(frame: pl.DataFrame, names: tuple[str, ...]) -> Experiment:
    return Experiment(
        rows=frame.select(names).to_numpy().astype(np.float32, copy=False),
        treated=(frame["arm"] == "treated").to_numpy(),
        orders=frame["future_orders"].to_numpy().astype(np.float64),
        soon=frame["soon_orders"].to_numpy().astype(np.float64),
        value_cents=frame["future_value_cents"].to_numpy().astype(np.float64),
        expected_cents=frame["process_spend_cents"].to_numpy().astype(np.float64),
        customer_ids=frame["customer_id"].to_numpy(),
    )
