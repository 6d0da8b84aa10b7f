"""The command `regulars uplift`, and what it prints."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any

import typer

from regulars.actions.uplift import Uplift
from regulars.data.sql import SqlFolder, connect
from regulars_workbench import console
from regulars_workbench.cli.options import SQL

FORMS = {
    "average": "the same for everyone",
    "shapes": "shapes of all actions",
    "t": "T-learner, boosters",
    "s": "S-learner, booster",
    "r": "R-learner, booster",
    "pooled": "R-learner of all actions",
}


def uplift(
    lake: Annotated[Path, typer.Argument(help="lake folder with treatments")],
    *,
    out: Annotated[Path, typer.Option(help="folder of effects to write")],
    horizon: Annotated[int, typer.Option(help="days after a treatment that count", min=1, max=730)] = 90,
    memory_limit: Annotated[str, typer.Option(help="DuckDB's memory, like 4GB")] = "4GB",
) -> None:
    """Learn what each action adds for each customer, from past treatments with a random control arm."""
    from regulars_training.uplift.learn import learn

    with (
        console.status("reading") as tell,
        connect(memory_limit, os.cpu_count() or 1, Path(gettempdir()) / "regulars") as connection,
    ):
        learnt = learn(connection, lake, SqlFolder(SQL), horizon_days=horizon, out=out, tell=tell)
    effects(learnt)
    console.say(f"Wrote {out}")


def effects(learnt: Uplift) -> None:
    """Print each action's effect, how well it tells customers apart, and what to beware of."""
    said = learnt.bundle.manifest
    rows = [(name, *_row(one)) for name, one in said.metrics.items()]
    heads = (
        "action",
        ">treated",
        ">control",
        ">extra orders, 95 %",
        f">extra {said.currency}, 95 %",
        ">can show orders",
    )
    console.table(f"What each action adds a customer within {said.horizon_days} days", heads, rows)
    ranked = [
        (
            name,
            FORMS[one["learner"]],
            *(one["slope_z"].get(form) for form in ("shapes", "t", "s", "r", "pooled")),
            one["qini_auc"],
            one["qini_auc_logistic"],
            _first_third(one["first_third"]),
            _first_third(one["first_third_logistic"]),
        )
        for name, one in said.metrics.items()
    ]
    ranks = (
        "action",
        "chosen",
        ">z of shapes",
        ">z of T",
        ">z of S",
        ">z of R",
        ">z of all actions",
        ">Qini AUC",
        ">Qini AUC logistic T",
        f">{said.currency} a customer, first third",
        ">the same, logistic T",
    )
    console.table("Who responds, on customers new to the models", ranks, ranked)
    for name, one in said.metrics.items():
        if one["learner"] != "average":
            tenths = [
                (
                    str(place),
                    tenth["customers"],
                    tenth["predicted"],
                    tenth["measured"],
                    _between(tenth["low"], tenth["high"]),
                )
                for place, tenth in enumerate(one["tenths"], start=1)
            ]
            columns = ("tenth", ">customers", ">predicted", ">measured", ">95 %")
            console.table(f"Extra orders by tenth of the prediction: {name}", columns, tenths)
    for warning in said.training["warnings"]:
        console.say(warning, "yellow", "warning: ")
    if not said.verdict.passed:
        for reason in said.verdict.reasons:
            console.say(reason, "yellow", "warning: ")


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    orders, value = one["orders"], one["value"]
    return (
        one["treated"],
        one["control"],
        f"{orders[0]:+.3f} ({_between(*orders[1:])})",
        f"{value[0]:+.2f} ({_between(*value[1:])})",
        one["minimum_detectable_effect_orders"],
    )


def _first_third(value: list[float]) -> str:
    return f"{value[0]:+.2f} ({_between(*value[1:])})"


def _between(low: float, high: float) -> str:
    return f"{low:+.3f} to {high:+.3f}"
