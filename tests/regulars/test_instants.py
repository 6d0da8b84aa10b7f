"""Instants: the midnight that ends a day."""

from datetime import UTC, datetime

import pytest

from regulars.instants import midnight_after

NEXT_DAY = datetime(2025, 7, 1)  # noqa: DTZ001 - as DuckDB's timestamps are, UTC without saying so


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_the_midnight_after_a_moment_ends_its_day(hour: int) -> None:
    assert midnight_after(datetime(2025, 6, 30, hour, 59, 59, 999_999)) == NEXT_DAY  # noqa: DTZ001 - as above
    assert midnight_after(datetime(2025, 6, 30, hour, tzinfo=UTC)) == NEXT_DAY.replace(tzinfo=UTC)
