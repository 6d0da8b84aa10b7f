"""Gaps and stray dates are judged by the shop's own weekly pattern."""

import numpy as np
import pytest

from regulars_workbench.check.findings.days import Days, Span, main_span, silences


def rhythm(pattern: list[float], weeks: int) -> tuple[Days, Days]:
    """Return days and counts of a shop that repeats one week, without days that have no order."""
    counts = np.tile(np.asarray(pattern, dtype=np.int64), weeks)
    return np.flatnonzero(counts), counts[counts > 0]


def gaps(at: Days, counts: Days) -> list[tuple[int, int]]:
    span = main_span(at, counts)
    assert span
    return [(silence.first, silence.last) for silence in silences(at, counts, span)]


@pytest.mark.parametrize(
    ("pattern", "gone", "expected"),
    [
        ([20, 20, 20, 20, 20, 20, 0], range(0), []),
        ([20, 20, 20, 20, 20, 20, 0], range(70, 71), [(69, 70)]),
        ([20, 20, 20, 20, 20, 20, 0], range(70, 110), [(69, 109)]),
        ([5] * 7, range(70, 72), []),
        ([5] * 7, range(70, 73), [(70, 72)]),
        ([1, 0, 0, 1, 0, 0, 0], range(70, 110), []),
        ([1, 0, 0, 1, 0, 0, 0], range(70, 126), [(67, 125)]),
        ([2, 0, 0, 0, 0, 0, 0], range(0), []),
    ],
)
def test_a_gap_is_judged_by_the_shops_own_week(
    pattern: list[float], gone: range, expected: list[tuple[int, int]]
) -> None:
    """A weekly closing day is not a gap. The more a shop sells, the shorter the gaps that are found."""
    at, counts = rhythm(pattern, 40)
    kept = ~np.isin(at, gone)
    assert gaps(at[kept], counts[kept]) == expected


def test_a_new_opening_day_is_no_gap() -> None:
    closed, opened = rhythm([20.0] * 6 + [0.0], 20), rhythm([20.0] * 7, 20)
    assert gaps(np.concatenate((closed[0], opened[0] + 140)), np.concatenate((closed[1], opened[1]))) == []


def test_few_rows_far_away_are_stray_on_either_side() -> None:
    at, counts = rhythm([20] * 7, 40)
    few = main_span(np.concatenate(([0], at + 1000, [9000])), np.concatenate(([2], counts, [3])))
    assert few == Span(1000, 1279, ((0, 2), (9000, 3)))
    many = main_span(np.concatenate((at, at + 1000)), np.concatenate((counts, counts)))
    assert many == Span(0, 1279, ())
    assert main_span(at[:0], counts[:0]) is None
