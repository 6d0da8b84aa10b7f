"""`regulars plan`: from scores and a catalogue to a plan, its files and its tables."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from regulars.actions.catalogue import load
from regulars.actions.effects.sources import effect_sources
from regulars.data.sql import SqlFolder
from regulars.errors import CatalogueError
from regulars_workbench import console
from regulars_workbench.plan.inputs import read_people
from regulars_workbench.plan.plan import Plan, make_plan
from regulars_workbench.plan.report import document, write_text
from regulars_workbench.plan.rows import plan_rows, write_plan
from regulars_workbench.plan.show import print_explained, print_plan
from regulars_workbench.plan.what_if import budget_curve, sensitivity


@dataclass(frozen=True)
class Files:
    """Files that a plan reads (scores to lake) and writes (out to prices)."""

    scores: Path
    actions: Path
    features: Path | None = None
    lake: Path | None = None
    out: Path | None = None
    json: Path | None = None
    picture: Path | None = None
    prices: Path | None = None


def run(
    connection: duckdb.DuckDBPyConnection,
    files: Files,
    sql: SqlFolder,
    budget: float,
    explain: str | None,
    tell: Callable[[str], None],
) -> None:
    """Make the plan, write the files asked for, and print it. With `explain`, print one customer instead."""
    plan = _make(connection, files, sql, budget, tell)
    if explain is not None:
        print_explained(plan, explain)
    elif files.out:
        tell("writing")
        write_plan(connection, plan_rows(plan), files.out)
    tell("other budgets and assumptions")
    points, sensitivities = ([], []) if explain is not None else (budget_curve(plan), sensitivity(plan))
    if explain is None:
        print_plan(plan, points, sensitivities)
    if files.json:
        write_text(document(plan, points, sensitivities), files.json)
    if files.prices:
        write_text(plan.prices().model_dump_json(indent=2) + "\n", files.prices)
    if files.picture and points:
        from regulars_workbench.plan.picture import draw  # noqa: PLC0415 - altair takes a second, and only pictures need it

        draw(plan, points, files.picture)
    elif files.picture:
        console.note("no picture: a plan without profit has no curve", "cyan", "note: ")
    picture = files.picture if points else None
    for file in (files.out if explain is None else None, files.json, files.prices, picture):
        if file:
            console.say(f"Wrote {file}")


def _make(
    connection: duckdb.DuckDBPyConnection, files: Files, sql: SqlFolder, budget: float, tell: Callable[[str], None]
) -> Plan:
    catalogue = load(files.actions)
    try:
        tell("reading")
        people = read_people(connection, files.scores, catalogue, sql, features=files.features, lake=files.lake)
        tell("allocating")
        return make_plan(catalogue, people, effect_sources(catalogue, files.actions.parent), budget)
    except CatalogueError as error:
        raise CatalogueError(f"{files.actions.name}: {error}") from error
