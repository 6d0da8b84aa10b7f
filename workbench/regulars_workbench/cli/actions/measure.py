"""The command `regulars measure` and its tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regulars.data.atomic_files import atomic_file
from regulars.data.lake import read_info
from regulars.data.sql import SqlFolder
from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected

if TYPE_CHECKING:  # importing SciPy takes a second, and other commands do not need it
    from regulars_workbench.measure.lift import Lift
    from regulars_workbench.measure.measure import ActionEffect


def measure(  # noqa: PLR0913 - one plain option each
    plan: Annotated[Path, typer.Argument(help="plan written by regulars plan, .parquet or .csv")],
    lake: Annotated[Path, typer.Argument(help="lake with the orders since the plan")],
    *,
    as_of: Annotated[str, typer.Option(help="date or timestamp (UTC) up to which orders count")],
    margin: Annotated[
        float | None,
        typer.Option(help="margin as a share of revenue; without it the margin of the lake's orders", min=0, max=1),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="days after the plan that count; without it the plan's horizon", min=1, max=730)
    ] = None,
    treatments_out: Annotated[
        Path | None, typer.Option(help="Parquet file to write: the plan as treatments, to add to the lake")
    ] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Measure the effect of a plan: treated against control, in orders, revenue and profit."""
    from regulars_workbench.measure.measure import lake_margin
    from regulars_workbench.measure.measure import measure as run
    from regulars_workbench.measure.plan_file import read_plan_file, treatments

    opened = read_plan_file(plan, horizon)
    with connected(memory_limit) as connection:
        sql, moment = SqlFolder(SQL), parse_as_of(as_of)
        share = lake_margin(connection, lake, sql, moment) if margin is None else margin
        effects = run(connection, opened, lake, sql, as_of=moment, margin=share)
    info = read_info(lake)
    report(effects, info.currency, opened.horizon_days)
    console.say(f"Margin: {share:.1%} of revenue ({'orders of the lake' if margin is None else '--margin'})")
    if treatments_out:
        with atomic_file(treatments_out) as partial:
            treatments(opened, info.minor_units).write_parquet(partial)
        console.say(f"Wrote {treatments_out}: {len(opened.rows):,} rows of treatments")


def report(effects: "list[ActionEffect]", currency: str, days: int) -> None:
    """Print the lift and the profit of each action, and whether to continue it."""
    heads = ("action", ">treated", ">control", ">difference, 95 %", ">adjusted, 95 %")
    for title, lifts in (
        (f"Extra orders per treated customer within {days} days", _orders),
        (f"Extra revenue per treated customer within {days} days, {currency}", _value),
    ):
        rows = [
            (effect.action, effect.treated, effect.control, *(_with_interval(lift) for lift in lifts(effect)))
            for effect in effects
        ]
        console.table(title, heads, rows)
    profits = [
        (effect.action, effect.cost, effect.profit.mean, effect.profit.low, effect.profit.high, effect.verdict)
        for effect in effects
    ]
    columns = ("action", ">cost", ">profit", ">from", ">to (95 %)", "verdict")
    console.table(f"Incremental profit of all treated customers, {currency}", columns, profits)


def _orders(effect: "ActionEffect") -> "tuple[Lift, Lift]":
    return effect.orders, effect.orders_adjusted


def _value(effect: "ActionEffect") -> "tuple[Lift, Lift]":
    return effect.value, effect.value_adjusted


def _with_interval(lift: "Lift") -> str:
    return f"{lift.mean:+.3f} ({lift.low:+.3f} to {lift.high:+.3f})"
