"""The command `regulars simulate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import connected


def simulate(  # noqa: PLR0913 - one plain option each
    lake: Annotated[Path, typer.Argument(help="lake folder to write; with --check, to read")],
    *,
    customers: Annotated[int, typer.Option(help="customers to make")] = 10_000,
    years: Annotated[float, typer.Option(help="length of the order log in years")] = 3,
    seed: Annotated[int, typer.Option(help="the same seed gives the same rows")] = 7,
    as_of: Annotated[
        str | None, typer.Option(help="day on which the log ends; without it the log starts on 2023-07-01")
    ] = None,
    shop: Annotated[str, typer.Option(help="kind of shop: grocery, fashion or subscription-like")] = "grocery",
    top_share: Annotated[
        float | None,
        typer.Option(help="revenue share of the best fifth of the buyers, like 0.8; without it the shop's own"),
    ] = None,
    chunk: Annotated[int, typer.Option(help="customers in each file; does not change the rows", min=1)] = 20_000,
    defects: Annotated[
        bool, typer.Option("--defects", help="also write defects/: raw exports with planted defects")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="check an existing simulated lake against its description")
    ] = False,
) -> None:
    """Make a synthetic lake: customers with heavy-tailed spend, seasons, campaigns, and their truth in truth/."""
    if check:
        raise typer.Exit(_check(lake))
    from regulars_workbench.simulator.simulate import simulate as make

    with console.progress(customers) as advance:
        info = make(
            lake,
            customers=customers,
            years=years,
            seed=seed,
            as_of=parse_as_of(as_of).date() if as_of else None,
            shop=shop,
            top_share=top_share,
            chunk=chunk,
            defects=defects,
            progress=lambda done: advance("customers", done),
        )
    rows = [
        (name, table.rows, f"{table.first:%Y-%m-%d}", f"{table.last:%Y-%m-%d}") for name, table in info.tables.items()
    ]
    console.table(f"Lake {lake}", ("table", ">rows", "first", "last"), rows)


def _check(lake: Path) -> int:
    """Print the measures of a simulated lake; return the exit status: 1 when one fails."""
    from regulars_workbench.simulator.verify.check import check

    with console.status("measuring") as tell, connected("1GB") as connection:
        measures = check(connection, lake, tell)
    _show_measures(measures)
    return int(not all(measure.passed for measure in measures))


def _show_measures(measures: Sequence[Any]) -> None:
    """Print what was asked for, what was measured, and whether the difference is accepted."""
    rows = [
        (line.name, float(line.asked), float(line.measured), float(line.allowed), "pass" if line.passed else "FAIL")
        for line in measures
    ]
    console.table(
        "Asked for and measured", ("measure", ">asked for", ">measured", ">difference allowed", "verdict"), rows
    )
    failed = sum(not measure.passed for measure in measures)
    if failed:
        console.say(f"{failed} of {len(measures)} measures fail", "red")
    else:
        console.say(f"all {len(measures)} measures pass", "green")
