"""Cutoffs: labels end before the evaluated period; a history that is too short is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regulars.errors import HistoryError
from regulars_training.data.cutoffs import plan

FIRST = datetime(2023, 1, 1, 10, tzinfo=UTC)
LAST = datetime(2025, 6, 30, 20, tzinfo=UTC)
AS_OF = datetime(2025, 7, 1, tzinfo=UTC)


@given(days=st.integers(22, 4_000), horizon=st.integers(1, 730))
def test_no_label_reaches_the_evaluated_period(days: int, horizon: int) -> None:
    """For any history, labels of the final models end by as_of, and labels of the evaluated models by the holdout."""
    try:
        cutoffs = plan(FIRST, FIRST + timedelta(days=days), FIRST + timedelta(days=days), horizon)
    except HistoryError:
        assume(7 <= horizon <= days)
        raise
    label = timedelta(days=cutoffs.label_days)
    assert cutoffs.holdout + label == cutoffs.as_of
    assert cutoffs.fit
    assert cutoffs.before_holdout
    assert max(cutoffs.fit) + label <= cutoffs.as_of
    assert max(cutoffs.before_holdout) + label <= cutoffs.holdout
    assert max(cutoffs.before(cutoffs.before_holdout[0]), default=FIRST) + label <= cutoffs.before_holdout[0]
    assert min(cutoffs.cutoffs) - label >= FIRST
    assert {*cutoffs.needed, *cutoffs.fit, *cutoffs.before_holdout} <= {*cutoffs.cutoffs}
    assert cutoffs.label_days * cutoffs.stretch == pytest.approx(horizon)


def test_a_dropped_cutoff_is_used_nowhere() -> None:
    """Not for training, not for the season, and no snapshot is made of it."""
    cutoffs = plan(FIRST, LAST, AS_OF, 90)
    year = cutoffs.year_before(AS_OF)
    assert year in cutoffs.fit
    assert year is not None
    reduced = cutoffs.without([year])
    assert reduced.year_before(AS_OF) is None
    assert reduced.fit == tuple(cutoff for cutoff in cutoffs.fit if cutoff != year)
    assert year not in reduced.cutoffs


def test_a_long_history_has_labels_of_the_whole_horizon() -> None:
    cutoffs = plan(FIRST, LAST, AS_OF, 90)
    assert (cutoffs.label_days, cutoffs.stretch) == (90, 1.0)
    assert len(cutoffs.fit) == len(cutoffs.before_holdout) == 5
    assert cutoffs.year_before(AS_OF) == cutoffs.fit[-1]
    assert cutoffs.fit[0] == AS_OF - timedelta(days=90)
    assert cutoffs.warnings == []


def test_a_short_history_is_cut_in_three_and_stretched() -> None:
    cutoffs = plan(AS_OF - timedelta(days=120), LAST, AS_OF, 90)
    assert (cutoffs.label_days, cutoffs.stretch) == (40, 2.25)
    stretched, season = cutoffs.warnings
    assert "learnt on 40 days and stretched" in stretched
    assert "season" in season


def test_the_season_needs_a_year_and_half_a_year_of_history() -> None:
    """A log that has just begun holds only active customers."""
    cutoffs = plan(AS_OF - timedelta(days=545), LAST, AS_OF, 90)
    assert cutoffs.year_before(AS_OF) == AS_OF - timedelta(days=365)
    assert cutoffs.year_before(cutoffs.holdout) is None
    assert plan(AS_OF - timedelta(days=544), LAST, AS_OF, 90).year_before(AS_OF) is None


def test_a_horizon_beyond_the_history_names_a_possible_one() -> None:
    with pytest.raises(HistoryError, match=r"90 days is longer than the history: 60 days .* --horizon of 60 or fewer"):
        plan(AS_OF - timedelta(days=60), LAST, AS_OF, 90)


def test_a_horizon_above_a_year_has_no_season() -> None:
    cutoffs = plan(AS_OF - timedelta(days=4_000), LAST, AS_OF, 400)
    assert cutoffs.year_before(AS_OF) is None


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        (FIRST, r"as_of 2023-01-01 is not after the first order \(2023-01-01\); choose a later one"),
        (FIRST - timedelta(days=9), r"as_of 2022-12-23 is not after the first order"),
        (AS_OF + timedelta(days=1), r"lies beyond the last order \(2025-06-30\).*the latest possible is 2025-07-01"),
        (FIRST + timedelta(days=20), r"20 days of history before as_of are too short .* bring at least 21"),
    ],
)
def test_an_impossible_as_of_names_a_possible_one(as_of: datetime, message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        plan(FIRST, LAST, as_of, 90)


def test_the_end_of_the_last_orders_day_is_possible() -> None:
    assert plan(FIRST, LAST, AS_OF, 90).as_of == AS_OF
