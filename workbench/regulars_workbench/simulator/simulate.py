"""Make a lake of synthetic customers with known truth: Pareto spend, correlated traits, seasons, treatment effects."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import gettempdir

import polars as pl

from regulars.data import lake
from regulars.data.atomic_files import atomic_folder
from regulars.data.schema import minor_units
from regulars.data.sql import connect
from regulars.errors import SettingsError
from regulars_workbench.simulator.exports import defects as planting
from regulars_workbench.simulator.shop import SHOPS, Shop
from regulars_workbench.simulator.worlds import TABLES, TRUTHS, Maker, Tail, World, tail_of

START = date(2023, 7, 1)
BLOCK = 10_000
"""Customers drawn from one random stream. Changing it changes the rows of a seed; `chunk` does not."""
CHUNK = 20_000
"""Customers in one file of each table, in whole blocks. It limits the memory and does not change the rows."""
WORKERS = 2
"""Threads, each drawing and writing one chunk. Sampling, sorting and compressing release Python's lock."""
MAX_CUSTOMERS = 99_999_999
MAX_YEARS = 50
FIRST_YEAR, LAST_YEAR = 1970, 2100
NEAR = 0.005
"""Largest accepted difference between the share of the best fifth and the share asked for."""


def simulate(  # noqa: PLR0913 - each is one plain knob of the world, given by name
    out: Path,
    *,
    customers: int,
    years: float,
    seed: int,
    start: date = START,
    as_of: date | None = None,
    currency: str = "EUR",
    shop: str = "grocery",
    top_share: float | None = None,
    chunk: int = CHUNK,
    defects: bool = False,
    progress: Callable[[int], None] | None = None,
) -> lake.LakeInfo:
    """Write the lake of `customers` over [start, start + years), with its truth/, to the folder `out`.

    With `as_of` the log ends there and starts `years` before. `shop` is a name in `SHOPS`; `top_share` is the share of
    revenue of the best fifth of the buyers (None: the shop's own). Rows are in the order of customer and time.
    Amounts are drawn in minor units: 2,000 is EUR 20.00 or JPY 2,000. With `defects` the folder also has defects/: raw
    exports, a map, and a ledger of the planted defects. `progress` gets the number of customers done after each chunk.

    The same arguments and library versions give the same bytes: each block of customers has its own seed, spawned from
    `seed`. SettingsError: an argument is out of range. SourceError: Regulars did not make what is in `out`.
    """
    _check(customers, years, seed, as_of or start, currency)
    start, end = (start_of(as_of, years), as_of) if as_of else (start, end_of(start, years))
    if start == end:
        raise SettingsError(f"years is {years}, less than a day; ask for more")
    chosen, tail = _tailed(shop, top_share, start, end)
    world = World(shop, seed, customers, start, end, currency, chosen, tail)
    with atomic_folder(out, lake.MARKER) as folder:
        for table in TABLES + TRUTHS:
            (folder / table).mkdir(parents=True)
        _write(folder, Maker.of(world), chunk, progress or (lambda _: None))
        world.write(folder / "truth")
        with connect("1GB", WORKERS, Path(gettempdir()) / "regulars") as connection:
            info = lake.finish(connection, folder, currency, minor_units(currency))
            if defects:
                planting.plant(connection, folder, info, seed)
            return info


def _tailed(kind: str, top_share: float | None, start: date, end: date) -> tuple[Shop, Tail]:
    """Return the shop and the tail that gives its `top_share`. A share that the user asked for must be reached."""
    if kind not in SHOPS:
        raise SettingsError(f'no shop "{kind}"; there are: {", ".join(SHOPS)}')
    shop = SHOPS[kind] if top_share is None else replace(SHOPS[kind], top_share=top_share)
    tail = tail_of(shop, start, end)
    if top_share is not None and abs(tail.share - top_share) > NEAR:
        raise SettingsError(
            f"top_share is {top_share}; the nearest share that this shop reaches in this time is {tail.share:.2f}"
        )
    return shop, tail


def _write(folder: Path, maker: Maker, chunk: int, progress: Callable[[int], None]) -> None:
    """Draw and write all chunks, a few at a time."""
    total, size = maker.world.customers, max(1, chunk // BLOCK) * BLOCK
    done = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [
            pool.submit(_write_chunk, folder, maker, part, range(first + 1, min(first + size, total) + 1))
            for part, first in enumerate(range(0, total, size))
        ]
        try:
            for job in as_completed(jobs):
                done += job.result()
                progress(done)
        finally:
            pool.shutdown(cancel_futures=True)


def _write_chunk(folder: Path, maker: Maker, part: int, numbers: range) -> int:
    """Draw the blocks of these customers, write one file of each table, and return the number of customers."""
    blocks = [maker.block((block[0] - 1) // BLOCK, block) for block in _blocks(numbers)]
    for table in TABLES + TRUTHS:
        file = folder / table / f"part-{part:05}.parquet"
        pl.concat([block.pop(table) for block in blocks]).write_parquet(file, compression_level=1)
    return len(numbers)


def _blocks(numbers: range) -> Iterator[range]:
    for first in range(numbers.start, numbers.stop, BLOCK):
        yield range(first, min(first + BLOCK, numbers.stop))


def _check(customers: int, years: float, seed: int, day: date, currency: str) -> None:
    if not 1 <= customers <= MAX_CUSTOMERS:
        raise SettingsError(f"customers is {customers}; ask for 1 to {MAX_CUSTOMERS:,}")
    if not 0 < years <= MAX_YEARS:
        raise SettingsError(f"years is {years}; ask for more than 0 and at most {MAX_YEARS}")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise SettingsError(f"the log starts or ends at {day}; give a day from {FIRST_YEAR} to {LAST_YEAR}")
    if seed < 0:
        raise SettingsError(f"seed is {seed}; give a whole number from 0 up")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise SettingsError(f'currency is "{currency}"; give its ISO 4217 code, such as EUR')


def end_of(start: date, years: float) -> date:
    """Return the day after the last one. Whole months follow the calendar, so three years end on the same date."""
    months = int(years * 12 + 1e-9)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    whole = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    return whole + timedelta(days=max(0, round((years * 12 - months) * 365.25 / 12)))


def start_of(end: date, years: float) -> date:
    """Return the first day of a log that ends at `end`, counting months as `end_of` does."""
    months = int(years * 12 + 1e-9)
    year, month = divmod(end.year * 12 + end.month - 1 - months, 12)
    whole = date(year, month + 1, min(end.day, monthrange(year, month + 1)[1]))
    return whole - timedelta(days=max(0, round((years * 12 - months) * 365.25 / 12)))
