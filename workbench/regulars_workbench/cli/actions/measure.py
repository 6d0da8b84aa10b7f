"""The command `regulars measure`, and what it prints."""

import os
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Annotated

import typer

from regulars.data.atomic_files import atomic_file
from regulars.data.lake import read_info
from regulars.data.sql import SqlFolder, connect
from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import SQL

if TYPE_CHECKING:  # every command would pay for these imports, a second of SciPy
    from regulars_workbench.measure.lift import Lift
    from regulars_workbench.measure.measure import Measured


def measure(  # noqa: PLR0913 - one plain option each
    plan: Annotated[Path, typer.Argument(help="plan.parquet or .csv, as regulars plan wrote it")],
    lake: Annotated[Path, typer.Argument(help="lake folder that holds the orders since")],
    *,
    as_of: Annotated[str, typer.Option(help="date or timestamp (UTC) up to which the lake is known")],
    margin: Annotated[
        float | None, typer.Option(help="share of revenue that is earned; else the lake's own", min=0, max=1)
    ] = None,
    horizon: Annotated[int | None, typer.Option(help="days that count; else the plan's own", min=1, max=730)] = None,
    treatments_out: Annotated[
        Path | None, typer.Option(help="Parquet of the plan's rows in the form of the lake's treatments")
    ] = None,
    memory_limit: Annotated[str, typer.Option(help="DuckDB's memory, like 4GB")] = "4GB",
) -> None:
    """Measure what a plan brought: treated against held out, in orders and money, and whether to go on."""
    from regulars_workbench.measure.measure import lake_margin, read_plan, treatments
    from regulars_workbench.measure.measure import measure as run

    opened = read_plan(plan, horizon)
    with connect(memory_limit, os.cpu_count() or 1, Path(gettempdir()) / "regulars") as connection:
        sql, known = SqlFolder(SQL), parse_as_of(as_of)
        share = lake_margin(connection, lake, sql, known) if margin is None else margin
        found = run(connection, opened, lake, sql, as_of=known, margin=share)
    info = read_info(lake)
    report(found, info.currency, opened.horizon_days)
    console.say(
        f"Of revenue {share:.1%} is earned: {'the margin of the orders in the lake' if margin is None else 'as said'}"
    )
    if treatments_out:
        with atomic_file(treatments_out) as partial:
            treatments(opened, info.minor_units).write_parquet(partial)
        console.say(f"Wrote {treatments_out}: {len(opened.frame):,} rows of treatments")


def report(found: "list[Measured]", currency: str, days: int) -> None:
    """Print the lift of each action, its profit, and whether to go on."""
    heads = ("action", ">treated", ">control", ">difference, 95 %", ">adjusted, 95 %")
    for title, pick in (
        ("Extra orders", _orders),
        (f"Extra revenue, {currency},", _value),
    ):
        rows = [(one.action, one.treated, one.control, *(_told(each) for each in pick(one))) for one in found]
        console.table(f"{title} a treated customer within {days} days", heads, rows)
    profits = [(one.action, one.cost, one.profit.mean, one.profit.low, one.profit.high, one.verdict) for one in found]
    columns = ("action", ">cost", ">profit", ">from", ">to (95 %)", "verdict")
    console.table(f"Incremental profit of all treated, {currency}", columns, profits)


def _orders(one: "Measured") -> "tuple[Lift, Lift]":
    return one.orders, one.orders_adjusted


def _value(one: "Measured") -> "tuple[Lift, Lift]":
    return one.value, one.value_adjusted


def _told(lift: "Lift") -> str:
    return f"{lift.mean:+.3f} ({lift.low:+.3f} to {lift.high:+.3f})"
