"""The command `regulars plan`: from scores and a catalogue to who gets what."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from regulars.actions.catalogue import load
from regulars.actions.sources import effect_sources
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
    """What a plan reads and writes."""

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
    """Make the plan, write what was asked for, and print it; with `explain` print one customer instead."""
    plan = _made(connection, files, sql, budget, tell)
    if explain is not None:
        print_explained(plan, explain)
    elif files.out:
        tell("writing")
        write_plan(connection, plan_rows(plan), files.out)
    tell("asking what if")
    points, flips = ([], []) if explain is not None else (budget_curve(plan), sensitivity(plan))
    if explain is None:
        print_plan(plan, points, flips)
    if files.json:
        write_text(document(plan, points, flips), files.json)
    if files.prices:
        write_text(plan.prices().model_dump_json(indent=2) + "\n", files.prices)
    if files.picture and points:
        from regulars_workbench.plan.picture import draw  # noqa: PLC0415 - altair takes a second, and only pictures need it

        draw(plan, points, files.picture)
    elif files.picture:
        console.note("no picture: a plan without profit has no curve", "cyan", "note: ")
    drawn = files.picture if points else None
    for file in (files.out if explain is None else None, files.json, files.prices, drawn):
        if file:
            console.say(f"Wrote {file}")


def _made(
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
