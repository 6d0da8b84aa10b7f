"""Make a lake of synthetic customers whose truth is known: a Pareto law, injected correlations, and seasons."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
from regulars import lake
from regulars.errors import SettingsError
from regulars.files import atomic_folder
from regulars.schema import minor_units

from training.world.clock import Clock
from training.world.events import events
from training.world.orders import orders
from training.world.people import customers as customer_table
from training.world.people import people

START = date(2023, 7, 1)
BLOCK = 10_000
"""Customers drawn together and written to one file: bounds the memory, and is part of what a seed means."""
MAX_CUSTOMERS = 99_999_999
MAX_YEARS = 50
FIRST_YEAR, LAST_YEAR = 1970, 2100


def simulate(  # noqa: PLR0913 - each is one plain knob of the world, given by name
    out: Path,
    *,
    customers: int,
    years: float,
    seed: int,
    start: date = START,
    currency: str = "EUR",
    progress: Callable[[int], None] | None = None,
) -> lake.LakeInfo:
    """Write the lake of a world of `customers` over [start, start + years) to the folder `out`.

    The same arguments and library versions give the same bytes: each block of customers has a seed of its own,
    spawned from `seed`. Rows lie by customer and time.
    Amounts are drawn in minor units, so that 2,000 is EUR 20.00 or JPY 2,000. `progress` is called after each block
    with the number of customers done so far. SettingsError when an argument is out of its range; SourceError when
    `out` holds something that Regulars did not make.
    """
    _check(customers, years, seed, start, currency)
    clock = Clock.between(start, end_of(start, years))
    with atomic_folder(out, lake.MARKER) as folder:
        for table in ("customers", "orders", "events"):
            (folder / table).mkdir()
        for block, first in enumerate(range(0, customers, BLOCK)):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block,)))
            count = min(BLOCK, customers - first)
            _write_block(folder, block, rng, clock, range(first + 1, first + count + 1))
            if progress:
                progress(first + count)
        with duckdb.connect() as connection:
            return lake.finish(connection, folder, currency, minor_units(currency))


def _write_block(folder: Path, block: int, rng: np.random.Generator, clock: Clock, numbers: range) -> None:
    drawn = people(rng, clock, numbers)
    tables = {
        "customers": customer_table(drawn, clock),
        "orders": orders(rng, clock, drawn),
        "events": events(rng, clock, drawn),
    }
    for name, table in tables.items():
        table.write_parquet(folder / name / f"part-{block:05}.parquet")


def _check(customers: int, years: float, seed: int, start: date, currency: str) -> None:
    if not 1 <= customers <= MAX_CUSTOMERS:
        raise SettingsError(f"customers is {customers}; ask for 1 to {MAX_CUSTOMERS:,}")
    if not 0 < years <= MAX_YEARS:
        raise SettingsError(f"years is {years}; ask for more than 0 and at most {MAX_YEARS}")
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise SettingsError(f"start is {start}; give a day from {FIRST_YEAR} to {LAST_YEAR}")
    if end_of(start, years) == start:
        raise SettingsError(f"years is {years}, less than a day; ask for more")
    if seed < 0:
        raise SettingsError(f"seed is {seed}; give a whole number from 0 up")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise SettingsError(f'currency is "{currency}"; give its ISO 4217 code, such as EUR')


def end_of(start: date, years: float) -> date:
    """Return the day after the world's last: whole months by the calendar, so that three years end on a round date."""
    months = int(years * 12 + 1e-9)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    whole = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    return whole + timedelta(days=max(0, round((years * 12 - months) * 365.25 / 12)))
