"""Make a lake of synthetic customers whose truth is known: a Pareto law, injected correlations, seasons, responses."""

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
"""Customers drawn together from one random stream: part of what a seed means, whatever the chunk."""
CHUNK = 20_000
"""Customers written to one file of each table, in whole blocks: bounds the memory, and changes nothing else."""
WORKERS = 2
"""Threads that each draw and write a chunk; sampling, sorting and compressing all run outside Python's lock."""
MAX_CUSTOMERS = 99_999_999
MAX_YEARS = 50
FIRST_YEAR, LAST_YEAR = 1970, 2100
NEAR = 0.005
"""How near the share of the best fifth must come to what was asked."""


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
    warts: bool = False,
    progress: Callable[[int], None] | None = None,
) -> lake.LakeInfo:
    """Write the lake of a world of `customers` over [start, start + years) to the folder `out`, and its truth/.

    With `as_of` the log ends there instead, `years` after its start. `shop` is a name in `SHOPS`; `top_share` is the
    share of revenue of the best fifth of the buyers, the shop's own unless given.
    The same arguments and library versions give the same bytes: each block of customers has a seed of its own,
    spawned from `seed`. `chunk` only groups blocks into files. Rows lie by customer and time.
    Amounts are drawn in minor units, so that 2,000 is EUR 20.00 or JPY 2,000. `progress` is called after each chunk
    with the number of customers done so far. With `warts` the folder also gets warts/: raw files as a shop would export
    them, a map, and a ledger of what was planted.
    SettingsError when an argument is out of its range; SourceError when `out` holds something that Regulars did not
    make.
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
            if warts:
                planting.plant(connection, folder, info, seed)
            return info


def _tailed(kind: str, top_share: float | None, start: date, end: date) -> tuple[Shop, Tail]:
    """Return the shop and the tail that gives its share of the best fifth; a share that was asked for must be met."""
    if kind not in SHOPS:
        raise SettingsError(f'no shop "{kind}"; there are: {", ".join(SHOPS)}')
    shop = SHOPS[kind] if top_share is None else replace(SHOPS[kind], top_share=top_share)
    tail = tail_of(shop, start, end)
    if top_share is not None and abs(tail.share - top_share) > NEAR:
        raise SettingsError(
            f"the share of the best fifth is {top_share}; this shop comes no nearer than {tail.share:.2f} in this time"
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
    """Draw the blocks of these customers and write each table's file; return how many customers they are."""
    blocks = [maker.block((first - 1) // BLOCK, numbers_of) for first, numbers_of in _blocks(numbers)]
    for table in TABLES + TRUTHS:
        file = folder / table / f"part-{part:05}.parquet"
        pl.concat([block.pop(table) for block in blocks]).write_parquet(file, compression_level=1)
    return len(numbers)


def _blocks(numbers: range) -> Iterator[tuple[int, range]]:
    for first in range(numbers.start, numbers.stop, BLOCK):
        yield first, range(first, min(first + BLOCK, numbers.stop))


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
    """Return the day after the world's last: whole months by the calendar, so that three years end on a round date."""
    months = int(years * 12 + 1e-9)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    whole = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    return whole + timedelta(days=max(0, round((years * 12 - months) * 365.25 / 12)))


def start_of(end: date, years: float) -> date:
    """Return the first day of the world that ends at `end`: whole months by the calendar, as `end_of` counts them."""
    months = int(years * 12 + 1e-9)
    year, month = divmod(end.year * 12 + end.month - 1 - months, 12)
    whole = date(year, month + 1, min(end.day, monthrange(year, month + 1)[1]))
    return whole - timedelta(days=max(0, round((years * 12 - months) * 365.25 / 12)))
