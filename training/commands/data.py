"""Commands about data: read it, look at it, make some up, make features."""

from pathlib import Path
from typing import Annotated

import typer
from regulars.bundle import Bundle
from regulars.features import make_features, make_features_learning, parse_as_of, write_features
from regulars.lake import attach
from regulars.schema import NO_CURRENCY
from regulars.sql import SqlFolder

from training import show
from training.commands.common import SQL, AsOf, Lake, MemoryLimit, connected

INSUFFICIENT = 3
"""Exit status of a check that did not pass; 1 and 2 are taken."""


def ingest(
    sources: Annotated[list[Path], typer.Argument(help="CSV or Parquet files, or folders of them")],
    out: Annotated[Path, typer.Option(help="lake folder to write")],
    map_file: Annotated[
        Path | None, typer.Option("--map", help="TOML that says which column is which; see docs/data-contract.md")
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code, where no map says it")] = NO_CURRENCY,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Read your own files into a lake: every row is kept, or rejected with its reason."""
    from regulars.ingest.mapping import CONTRACT, load, parse
    from regulars.ingest.run import ingest as run

    mapping = load(map_file) if map_file else CONTRACT
    if mapping.currency == NO_CURRENCY:
        mapping = mapping.model_copy(update={"currency": parse({"currency": currency}, "--currency").currency})
    with show.status("reading") as tell, connected(memory_limit) as connection:
        report = run(sources, out, mapping=mapping, sql=SqlFolder(SQL), connection=connection, progress=tell)
    show.ingested(report)
    show.say(f"Wrote {out}")


def check(
    lake: Lake,
    *,
    horizon: Annotated[int, typer.Option(help="days ahead that training is meant for", min=7, max=730)] = 90,
    as_of: Annotated[
        str | None, typer.Option(help="date or timestamp (UTC) to train at; else the midnight after the last order")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="file for the report as JSON; - prints only that")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of the churn horizon to write")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Say what is in a lake, what is odd, and whether history suffices for the horizon.

    Exit status: 0 when it does and no finding is an error, 3 when not, 2 when the lake can not be read.
    """
    from training.check.run import check as run
    from training.check.show import deliver

    with show.status("reading") as tell, connected(memory_limit) as connection:
        moment = parse_as_of(as_of) if as_of else None
        report, curve = run(connection, lake, SqlFolder(SQL), horizon_days=horizon, as_of=moment, tell=tell)
    deliver(report, curve, json, picture)
    if not report.passed:
        raise typer.Exit(INSUFFICIENT)


def simulate(  # noqa: PLR0913 - one plain option each
    lake: Annotated[Path, typer.Argument(help="folder to write, or with --check to read")],
    *,
    customers: Annotated[int, typer.Option(help="customers to make")] = 10_000,
    years: Annotated[float, typer.Option(help="length of the log")] = 3,
    seed: Annotated[int, typer.Option(help="same seed, same rows")] = 7,
    as_of: Annotated[str | None, typer.Option(help="day at which the log ends; else it starts on 2023-07-01")] = None,
    shop: Annotated[str, typer.Option(help="grocery, fashion or subscription-like")] = "grocery",
    top_share: Annotated[float | None, typer.Option(help="revenue share of the best fifth of the buyers")] = None,
    chunk: Annotated[int, typer.Option(help="customers to a file; the rows stay the same", min=1)] = 20_000,
    warts: Annotated[
        bool, typer.Option("--warts", help="also write warts/: raw exports full of planted trouble")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="measure a simulated lake against what was asked for")] = False,
) -> None:
    """Make a synthetic shop: heavy-tailed spend, seasons, campaigns, and the truth of each customer in truth/."""
    if check:
        raise typer.Exit(_check(lake))
    from training.simulate import simulate as make

    with show.progress(customers) as advance:
        info = make(
            lake,
            customers=customers,
            years=years,
            seed=seed,
            as_of=parse_as_of(as_of).date() if as_of else None,
            shop=shop,
            top_share=top_share,
            chunk=chunk,
            warts=warts,
            progress=lambda done: advance("customers", done),
        )
    rows = [(name, one.rows, f"{one.first:%Y-%m-%d}", f"{one.last:%Y-%m-%d}") for name, one in info.tables.items()]
    show.table(f"Lake {lake}", ("table", ">rows", "first", "last"), rows)


def _check(lake: Path) -> int:
    """Show what a simulated lake is like beside what was asked; return the exit status."""
    from training.world.check import check

    with show.status("measuring") as tell, connected("1GB") as connection:
        found = check(connection, lake, tell)
    show.checked(found)
    return int(not all(one.passed for one in found))


def features(
    lake: Lake,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="Parquet file to write")],
    bundle: Annotated[Path | None, typer.Option(help="use its SQL and cut points; else they are learnt here")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Write the feature table alone: one row per customer with an order before --as-of."""
    connection = connected(memory_limit)
    attach(connection, lake)
    moment = parse_as_of(as_of)
    if bundle:
        opened = Bundle(bundle)
        make_features(connection, opened.sql, moment, opened.cut_points)
    else:
        make_features_learning(connection, SqlFolder(SQL), moment)
    rows = write_features(connection, moment, out)
    show.say(f"Wrote {out}: {rows:,} customers as of {moment:%Y-%m-%d %H:%M}Z")


def describe(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    as_of: AsOf,
    *,
    bundle: Annotated[
        Path | None, typer.Option(help="use its segments, value and churn; else segments are RFM's")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write: CSV, Parquet and a page of pictures")] = None,
    lost_after: Annotated[int, typer.Option(help="whole months without an order that make a lost customer", min=1)] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON instead of tables")] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Say what happened before --as-of: revenue, customers by month, cohorts, RFM, segments, repeat orders."""
    from training.describe.run import describe as run

    with show.status("reading") as tell, connected(memory_limit) as connection:
        run(
            connection,
            lake,
            SqlFolder(SQL),
            parse_as_of(as_of),
            lost_after_months=lost_after,
            bundle=Bundle(bundle) if bundle else None,
            out=out,
            as_json=as_json,
            tell=tell,
        )
