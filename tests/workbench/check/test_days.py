"""Holes and stray dates: what is odd depends on the shop's own rhythm."""

import numpy as np
import pytest

from regulars_workbench.check.findings.days import Days, Stretch, silences, stretch


def rhythm(pattern: list[float], weeks: int) -> tuple[Days, Days]:
    """Return days and counts of a shop with the same week again and again; days without an order are left out."""
    counts = np.tile(np.asarray(pattern, dtype=np.int64), weeks)
    return np.flatnonzero(counts), counts[counts > 0]


def holes(at: Days, counts: Days) -> list[tuple[int, int]]:
    within = stretch(at, counts)
    assert within
    return [(one.first, one.last) for one in silences(at, counts, within)]


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
def test_a_silence_is_judged_by_the_shops_own_week(
    pattern: list[float], gone: range, expected: list[tuple[int, int]]
) -> None:
    """A shop that is closed on its seventh day is not odd; the more it sells, the shorter a hole shows."""
    at, counts = rhythm(pattern, 40)
    kept = ~np.isin(at, gone)
    assert holes(at[kept], counts[kept]) == expected


def test_a_day_on_which_a_shop_began_to_open_is_no_hole() -> None:
    closed, opened = rhythm([20] * 6 + [0], 20), rhythm([20] * 7, 20)
    assert holes(np.concatenate((closed[0], opened[0] + 140)), np.concatenate((closed[1], opened[1]))) == []


def test_few_rows_far_away_are_astray_on_either_side() -> None:
    at, counts = rhythm([20] * 7, 40)
    found = stretch(np.concatenate(([0], at + 1000, [9000])), np.concatenate(([2], counts, [3])))
    assert found == Stretch(1000, 1279, ((0, 2), (9000, 3)))
    many = stretch(np.concatenate((at, at + 1000)), np.concatenate((counts, counts)))
    assert many == Stretch(0, 1279, ())
    assert stretch(at[:0], counts[:0]) is None
