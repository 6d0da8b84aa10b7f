"""Where the cutoffs lie: labels end before what is judged, and history that cannot carry it is refused."""

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
def test_no_label_reaches_what_is_judged(days: int, horizon: int) -> None:
    """Whatever the history: final labels end at or before as_of, judged models' labels at or before the holdout."""
    try:
        found = plan(FIRST, FIRST + timedelta(days=days), FIRST + timedelta(days=days), horizon)
    except HistoryError:
        assume(7 <= horizon <= days)
        raise
    label = timedelta(days=found.label_days)
    assert found.holdout + label == found.as_of
    assert found.fit
    assert found.before_holdout
    assert max(found.fit) + label <= found.as_of
    assert max(found.before_holdout) + label <= found.holdout
    assert max(found.before(found.before_holdout[0]), default=FIRST) + label <= found.before_holdout[0]
    assert min(found.cutoffs) - label >= FIRST
    assert {*found.needed, *found.fit, *found.before_holdout} <= {*found.cutoffs}
    assert found.label_days * found.stretch == pytest.approx(horizon)


def test_a_cutoff_that_teaches_nothing_is_done_without() -> None:
    """By whoever asks: to learn from, for the season, and to be made at all."""
    found = plan(FIRST, LAST, AS_OF, 90)
    year = found.year_before(AS_OF)
    assert year in found.fit
    assert year is not None
    less = found.without([year])
    assert less.year_before(AS_OF) is None
    assert less.fit == tuple(cutoff for cutoff in found.fit if cutoff != year)
    assert year not in less.cutoffs


def test_a_long_history_learns_on_the_whole_horizon() -> None:
    found = plan(FIRST, LAST, AS_OF, 90)
    assert (found.label_days, found.stretch) == (90, 1.0)
    assert len(found.fit) == len(found.before_holdout) == 5
    assert found.year_before(AS_OF) == found.fit[-1]
    assert found.fit[0] == AS_OF - timedelta(days=90)
    assert found.warnings == []


def test_a_short_history_is_cut_in_three_and_stretched() -> None:
    found = plan(AS_OF - timedelta(days=120), LAST, AS_OF, 90)
    assert (found.label_days, found.stretch) == (40, 2.25)
    stretched, season = found.warnings
    assert "learnt on 40 days and stretched" in stretched
    assert "season" in season


def test_the_season_needs_a_year_and_half_a_year_of_history() -> None:
    """A log that has just begun holds active customers only."""
    found = plan(AS_OF - timedelta(days=545), LAST, AS_OF, 90)
    assert found.year_before(AS_OF) == AS_OF - timedelta(days=365)
    assert found.year_before(found.holdout) is None
    assert plan(AS_OF - timedelta(days=544), LAST, AS_OF, 90).year_before(AS_OF) is None


def test_a_horizon_beyond_the_history_says_which_is_possible() -> None:
    with pytest.raises(HistoryError, match=r"90 days is longer than the history: 60 days .* --horizon of 60 or fewer"):
        plan(AS_OF - timedelta(days=60), LAST, AS_OF, 90)


def test_the_season_of_a_horizon_beyond_a_year_would_see_what_it_predicts() -> None:
    found = plan(AS_OF - timedelta(days=4_000), LAST, AS_OF, 400)
    assert found.year_before(AS_OF) is None


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        (FIRST, r"as_of 2023-01-01 is not after the first order \(2023-01-01\); choose a later one"),
        (FIRST - timedelta(days=9), r"as_of 2022-12-23 is not after the first order"),
        (AS_OF + timedelta(days=1), r"lies beyond the last order \(2025-06-30\).*the latest possible is 2025-07-01"),
        (FIRST + timedelta(days=20), r"20 days of history before as_of are too short .* bring at least 21"),
    ],
)
def test_an_impossible_as_of_says_which_is_possible(as_of: datetime, message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        plan(FIRST, LAST, as_of, 90)


def test_the_end_of_the_last_orders_day_is_possible() -> None:
    assert plan(FIRST, LAST, AS_OF, 90).as_of == AS_OF
