"""Instants: reading them from text, and passing them to SQL."""

from datetime import UTC, date, datetime, timedelta

from regulars.errors import HistoryError

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years outside are typing errors; ingest rejects them too."""


def parse_as_of(text: str | date) -> datetime:
    """Read a date (its midnight) or a timestamp as an instant; without an offset it is UTC.

    HistoryError when the text is neither, or lies outside 1970 to 2199.
    """
    try:
        moment = datetime.fromisoformat(str(text))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HistoryError(
            f"as_of {str(text)[:40]!r} is not a date or timestamp; write it like 2026-06-30 or 2026-06-30T00:00:00Z"
        ) from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise HistoryError(f"as_of {moment:%Y-%m-%d} is not between {FIRST_YEAR} and {LAST_YEAR}; check it")
    return moment


def midnight_after(moment: datetime) -> datetime:
    """Return the midnight that ends the day of `moment`: after the last order, the end of what is known."""
    return (moment + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def as_of_params(as_of: datetime) -> dict[str, str | int]:
    """Return the parameters of the feature SQL: the instant as text, and as whole seconds since 1970."""
    return {"as_of": as_of.strftime("%Y-%m-%d %H:%M:%S.%f"), "as_of_s": int(as_of.timestamp())}
