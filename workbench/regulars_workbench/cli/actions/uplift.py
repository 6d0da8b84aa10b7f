"""The command `regulars uplift` and its tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from regulars.actions.effects.uplift import Uplift
from regulars.data.sql import SqlFolder
from regulars.models.bundle import Manifest
from regulars_workbench import console
from regulars_workbench.cli.options import SQL, MemoryLimit, connected

FORMS = {
    "average": "same for all customers",
    "shapes": "shapes of all actions",
    "t": "T-learner, boosters",
    "s": "S-learner, booster",
    "r": "R-learner, booster",
    "pooled": "R-learner of all actions",
}


def uplift(
    lake: Annotated[Path, typer.Argument(help="lake folder with treatments")],
    *,
    out: Annotated[Path, typer.Option(help="effects folder to write")],
    horizon: Annotated[int, typer.Option(help="days after a treatment that count", min=1, max=730)] = 90,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Learn the effect of each action on each customer, from past treatments with a random control arm."""
    from regulars_training.uplift.learn import learn

    with console.status("reading") as tell, connected(memory_limit) as connection:
        learnt = learn(connection, lake, SqlFolder(SQL), horizon_days=horizon, out=out, tell=tell)
    effects(learnt)
    console.say(f"Wrote {out}")


def effects(learnt: Uplift) -> None:
    """Print each action's effect, how well it ranks customers, and warnings."""
    manifest = learnt.bundle.manifest
    _effects(manifest)
    _ranking(manifest)
    for name, metrics in manifest.metrics.items():
        if metrics["learner"] != "average":
            _deciles(name, metrics["tenths"])
    for warning in manifest.training["warnings"]:
        console.say(warning, "yellow", "warning: ")
    if not manifest.verdict.passed:
        for reason in manifest.verdict.reasons:
            console.say(reason, "yellow", "warning: ")


def _effects(manifest: Manifest) -> None:
    rows = [(name, *_row(metrics)) for name, metrics in manifest.metrics.items()]
    heads = (
        "action",
        ">treated",
        ">control",
        ">extra orders, 95 %",
        f">extra {manifest.currency}, 95 %",
        ">minimum detectable effect, orders",
    )
    console.table(f"Effect of each action per customer within {manifest.horizon_days} days", heads, rows)


def _ranking(manifest: Manifest) -> None:
    rows = [
        (
            name,
            FORMS[metrics["learner"]],
            *(metrics["slope_z"].get(form) for form in ("shapes", "t", "s", "r", "pooled")),
            metrics["qini_auc"],
            metrics["qini_auc_logistic"],
            _first_third(metrics["first_third"]),
            _first_third(metrics["first_third_logistic"]),
        )
        for name, metrics in manifest.metrics.items()
    ]
    heads = (
        "action",
        "chosen",
        ">z of shapes",
        ">z of T",
        ">z of S",
        ">z of R",
        ">z of all actions",
        ">Qini AUC",
        ">Qini AUC logistic T",
        f">extra {manifest.currency} per customer, best third",
        ">best third, logistic T",
    )
    console.table("Ranking of customers by effect, on customers not used in training", heads, rows)


def _deciles(name: str, deciles: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            str(number),
            decile["customers"],
            decile["predicted"],
            decile["measured"],
            _between(decile["low"], decile["high"]),
        )
        for number, decile in enumerate(deciles, start=1)
    ]
    heads = ("decile", ">customers", ">predicted", ">measured", ">95 % interval")
    console.table(f"Extra orders by decile of the prediction: {name}", heads, rows)


def _row(metrics: Mapping[str, Any]) -> tuple[object, ...]:
    orders, value = metrics["orders"], metrics["value"]
    return (
        metrics["treated"],
        metrics["control"],
        f"{orders[0]:+.3f} ({_between(*orders[1:])})",
        f"{value[0]:+.2f} ({_between(*value[1:])})",
        metrics["minimum_detectable_effect_orders"],
    )


def _first_third(value: list[float]) -> str:
    return f"{value[0]:+.2f} ({_between(*value[1:])})"


def _between(low: float, high: float) -> str:
    return f"{low:+.3f} to {high:+.3f}"
