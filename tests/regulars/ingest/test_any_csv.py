"""Random delimited files written from known orders: read back to the cent, or refused; never silently different."""

import csv
import io
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import RegularsError
from tests.properties import examples
from tests.regulars.ingest.helpers import read, run

HEADS = ("customer_id", "ordered_at", "order_value", "note")
NOTES = st.text(st.sampled_from("ab ,;|\"'\n.é"), max_size=12)


@dataclass(frozen=True)
class Style:
    """How a file is written."""

    separator: str
    encoding: str
    line_end: str
    decimal: str
    thousands: str
    days: str
    quoting: int
    sign: str


STYLES = st.builds(
    Style,
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")),
    line_end=st.sampled_from(("\n", "\r\n")),
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from(("", "group", " ")),
    days=st.sampled_from(("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%d %b %Y")),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    sign=st.sampled_from(("", "$", " €")),
)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["A1", "B2", "C3", "é4"]),
        st.integers(0, 730 * 86_400).map(lambda second: datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=second)),
        st.integers(-500_000, 50_000_000),
        NOTES,
    ),
    min_size=1,
    max_size=12,
)


def amount(cents: int, style: Style) -> str:
    """Write an amount in a style."""
    group = "," if style.decimal == "." else "."
    whole = f"{abs(cents) // 100:,}".replace(",", {"": "", "group": group, " ": " "}[style.thousands])
    text = f"{whole}{style.decimal}{abs(cents) % 100:02d}"
    signed = f"${text}" if style.sign == "$" else f"{text}{style.sign}"
    return f"-{signed}" if cents < 0 else signed


def known(orders: list[tuple[str, datetime, int, str]]) -> dict[tuple[str, str], int]:
    """Return what must be read: the net cents of each customer and day."""
    sums: dict[tuple[str, str], int] = {}
    for who, when, cents, _ in orders:
        key = (who, f"{when:%Y-%m-%d}")
        sums[key] = sums.get(key, 0) + cents
    return {key: cents for key, cents in sums.items() if cents}


def written(orders: list[tuple[str, datetime, int, str]], style: Style) -> bytes:
    """Write the orders as a file."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=style.separator, quoting=style.quoting, lineterminator=style.line_end)  # type: ignore[arg-type] # a constant of csv
    writer.writerow(HEADS)
    for who, when, cents, note in orders:
        writer.writerow([who, when.strftime(style.days), amount(cents, style), note])
    return out.getvalue().encode(style.encoding)


@settings(max_examples=examples(0.25), deadline=None)
@given(orders=ORDERS, style=STYLES)
def test_a_file_is_read_to_the_cent_or_refused(orders: list[tuple[str, datetime, int, str]], style: Style) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, lake = Path(folder) / "orders.csv", Path(folder) / "lake"
        source.write_bytes(written(orders, style))
        try:
            report = run([source], lake, {"duplicates": "keep", "currency": "EUR"})
        except RegularsError:
            return
        rows = read(lake, "customer_id, strftime(ordered_at, '%Y-%m-%d'), order_value_cents")
    sums: dict[tuple[str, str], int] = {}
    for who, day, cents in rows:
        sums[who, day] = sums.get((who, day), 0) + cents
    got = {key: cents for key, cents in sums.items() if cents}
    assert report.rows_read == len(orders)
    if report.rows_rejected == 0:
        assert got == known(orders)
    else:  # what is rejected is named, and what is kept is right
        assert all(key in known(orders) for key in got)
