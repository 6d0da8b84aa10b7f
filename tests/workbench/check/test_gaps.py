"""The suggested churn horizon: open gaps are censored."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from regulars.data.sql import SqlFolder, connect
from regulars_workbench.check.findings.gaps import curve, suggest
from regulars_workbench.check.run import check
from tests.workbench.check.lakes import copied, rewrite


def waits(back: list[tuple[int, int]], away: list[tuple[int, int]]) -> pl.DataFrame:
    rows = [(days, True, count) for days, count in back] + [(days, False, count) for days, count in away]
    return pl.DataFrame(
        rows, schema={"waited_days": pl.Int64, "came_back": pl.Boolean, "customer_count": pl.Int64}, orient="row"
    )


def test_open_gaps_are_censored() -> None:
    """By hand: of 400, 100 return after 10 days, 100 are observed for 20, and half of the other 200 return after 30."""
    estimate = curve(waits([(10, 100), (30, 100)], [(20, 100), (60, 100)]))
    assert estimate
    assert estimate.days.tolist() == [10, 20, 30, 60]
    assert estimate.returned.tolist() == pytest.approx([0.25, 0.25, 0.625, 0.625])
    assert estimate.completed.tolist() == pytest.approx([0.5, 0.5, 1, 1])
    assert (estimate.reached(0.4), estimate.reached(0.41)) == (10, 30)
    assert estimate.share_by(29) == pytest.approx(0.4)
    assert estimate.share_by(9) == 0


def test_the_suggested_horizon_is_the_truth_and_completed_gaps_are_biased_short() -> None:
    """Seven of ten return, after 60 days on average. Customers are observed for up to 600 days."""
    random = np.random.default_rng(1)
    true = np.where(random.random(40_000) < 0.7, np.ceil(random.exponential(60, 40_000)), np.inf)
    watched = random.integers(1, 600, 40_000)
    seen = np.minimum(true, watched).astype(int)
    rows = [
        [(int(days), int(count)) for days, count in zip(*np.unique(part, return_counts=True), strict=True)]
        for part in (seen[true <= watched], seen[true > watched])
    ]
    frame = waits(*rows)
    horizon = suggest(frame, curve(frame), 90)
    assert horizon.suggested_days == pytest.approx(60 * np.log(10), rel=0.03)
    assert horizon.uncorrected_days is not None
    assert horizon.uncorrected_days < 0.9 * 60 * np.log(10)
    assert horizon.gone_share == pytest.approx(0.3, abs=0.01)
    assert horizon.returned_by_horizon == pytest.approx(1 - np.exp(-90 / 60), abs=0.01)
    assert horizon.percentiles["50"] < horizon.percentiles["90"] == horizon.suggested_days


def test_too_few_repeat_buyers_give_no_suggestion() -> None:
    frame = waits([(10, 49)], [(20, 1000)])
    assert curve(frame) is None
    assert "49 customers bought on a second day" in suggest(frame, None, 90).reading


def test_the_first_gaps_are_those_before_as_of(shop: Path, tmp_path: Path, sql: SqlFolder) -> None:
    """One returns after 5 days, with two orders on the first; one does not; one returns only after as_of."""
    lake = copied(shop, tmp_path / "lake")
    given = [("a", "01 10"), ("a", "01 11"), ("a", "06 09"), ("b", "02 10"), ("c", "09 10"), ("c", "11 00")]
    values = ", ".join(
        f"('{who}', '{number}', timestamp '2024-01-{at}:00:00', 5::bigint, false)"
        for number, (who, at) in enumerate(given)
    )
    names = "customer_id, order_id, ordered_at, order_value_cents, is_return"
    rewrite(lake, "orders", f"from (values {values}) as given({names})")
    with connect("1GB", 1) as connection:
        check(connection, lake, sql, horizon_days=90, as_of=datetime(2024, 1, 11, tzinfo=UTC))
        rows = connection.execute("select * from first_gaps order by all").fetchall()
    assert rows == [(1, False, 1), (5, True, 1), (8, False, 1)]
