"""The command `regulars simulate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from regulars.instants import parse_as_of
from regulars_workbench import console
from regulars_workbench.cli.options import connected


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
    defects: Annotated[
        bool, typer.Option("--defects", help="also write defects/: raw exports with planted defects")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="measure a simulated lake against what was asked for")] = False,
) -> None:
    """Make a synthetic shop: heavy-tailed spend, seasons, campaigns, and the truth of each customer in truth/."""
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
    rows = [(name, one.rows, f"{one.first:%Y-%m-%d}", f"{one.last:%Y-%m-%d}") for name, one in info.tables.items()]
    console.table(f"Lake {lake}", ("table", ">rows", "first", "last"), rows)


def _check(lake: Path) -> int:
    """Show what a simulated lake is like beside what was asked; return the exit status."""
    from regulars_workbench.simulator.verify.check import check

    with console.status("measuring") as tell, connected("1GB") as connection:
        found = check(connection, lake, tell)
    _show_measures(found)
    return int(not all(one.passed for one in found))


def _show_measures(found: Sequence[Any]) -> None:
    """Print the measures of a simulated lake: what was asked, what came out, and whether they are near enough."""
    rows = [
        (one.what, float(one.asked), float(one.measured), float(one.allowed), "pass" if one.passed else "[red]FAIL[/]")
        for one in found
    ]
    console.table("Asked and measured", ("measure", ">asked", ">measured", ">allowed", "verdict"), rows)
    failed = sum(not one.passed for one in found)
    console.console.print(f"[red]{failed} of {len(found)} fail[/]" if failed else f"[green]all {len(found)} pass[/]")
