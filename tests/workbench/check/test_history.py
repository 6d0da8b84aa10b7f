"""Whether the history is enough: the cutoffs, rules and counts of training."""

from datetime import UTC, datetime
from pathlib import Path

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars_training.data import dataset
from regulars_workbench.simulator.simulate import simulate
from tests.workbench.check.lakes import checked, copied, rewrite


def test_the_cutoffs_are_trainings_own_with_its_counts(lake: Path, sql: SqlFolder) -> None:
    """Two years support 90 days, and the same season a year before."""
    history = checked(lake, sql).history
    assert history.sufficient
    assert history.season
    assert (history.supported_days, history.reasons) == (90, [])
    with connect("1GB", 1) as connection:
        attach(connection, lake)
        for cutoff in (history.cutoffs[0], history.cutoffs[-1]):
            frame = dataset.snapshot(connection, sql, cutoff.at, cutoff.label_days).frame
            assert (cutoff.customers, cutoff.stayed) == (len(frame), int((frame["future_orders"] > 0).sum()))


def test_a_horizon_too_long_names_the_one_supported(lake: Path, sql: SqlFolder) -> None:
    history = checked(lake, sql, horizon=400).history
    assert not history.sufficient
    assert history.supported_days == history.span_days // 3
    assert 230 < history.span_days // 3 < 244
    assert "too short for labels of 400 days" in history.reasons[0]


def test_a_history_too_short_supports_nothing(lake: Path, sql: SqlFolder) -> None:
    history = checked(lake, sql, as_of=datetime(2023, 7, 15, tzinfo=UTC)).history
    assert (history.sufficient, history.supported_days) == (False, None)
    assert "too short to train and evaluate" in history.reasons[0]


def test_an_as_of_beyond_the_orders_is_refused_as_in_training(lake: Path, sql: SqlFolder) -> None:
    history = checked(lake, sql, as_of=datetime(2026, 7, 15, tzinfo=UTC)).history
    assert not history.sufficient
    assert "the latest possible is 2025-07-01" in history.reasons[0]


def test_too_few_customers_are_not_enough(tmp_path: Path, sql: SqlFolder) -> None:
    """Forty customers are too few at every cutoff and for every horizon."""
    simulate(tmp_path / "lake", customers=40, years=2, seed=5)
    report = checked(tmp_path / "lake", sql)
    assert (report.history.sufficient, report.history.supported_days) == (False, None)
    assert not any(cutoff.enough for cutoff in report.history.cutoffs)
    assert report.churn_horizon.suggested_days is None


def test_a_shorter_horizon_is_supported_where_nearly_all_return(shop: Path, tmp_path: Path, sql: SqlFolder) -> None:
    """A hundred customers who buy every 20 days: nobody stays away for 90 days, some do for 14."""
    lake = copied(shop, tmp_path / "lake")
    rewrite(
        lake,
        "orders",
        """select 'c' || who.range as customer_id, 'o' || who.range || '-' || step.range as order_id,
            timestamp '2023-07-01 10:00:00' + to_days((20 * step.range + who.range % 20)::int) as ordered_at,
            1000::bigint as order_value_cents, false as is_return
        from range(100) as who, range(27) as step""",
    )
    history = checked(lake, sql, horizon=90).history
    assert "nearly all or none churned" in history.reasons[0]
    assert history.supported_days == 14
