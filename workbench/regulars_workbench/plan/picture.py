"""The picture of the budget curve: expected profit by budget, with the plan marked."""

from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from regulars.data.atomic_files import atomic_file
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.what_if import Point, next_step

Chart = Any
"""A chart of altair, layered or plain. They share no public base class."""

WIDTH, HEIGHT, SCALE = 640, 340, 2
BLUE, RED = "#1f5a96", "#b03a2e"


def draw(plan: Plan, points: list[Point], out: Path) -> None:
    """Write the PNG, atomically."""
    with atomic_file(out) as partial:
        _chart(plan, points).save(str(partial), format="png", scale_factor=SCALE)


def _chart(plan: Plan, points: list[Point]) -> Chart:
    x = alt.X("budget:Q", title="budget", axis=alt.Axis(format="~s"))
    y = alt.Y("profit:Q", title="expected profit", axis=alt.Axis(format="~s"))
    curve = pl.DataFrame({"budget": [point.budget for point in points], "profit": [point.profit for point in points]})
    here = pl.DataFrame({"budget": [plan.problem.budget / plan.scale], "profit": [plan.profit / plan.scale]})
    line = alt.Chart(curve).mark_line(color=BLUE, strokeWidth=2.5, point=True).encode(x=x, y=y)
    mark = alt.Chart(here).mark_point(color=RED, size=160, filled=True).encode(x=x, y=y)
    step, price = next_step(plan), float(plan.arms.solution.prices[0])
    brings = f"the next {step:,} brings {step * (1 + price):,.0f} of margin" if price > 0 else "more brings nothing"
    subtitle = f"at the plan's budget, {brings}"
    title = alt.TitleParams("Expected profit by budget", subtitle=[subtitle], anchor="start", fontSize=16)
    return alt.layer(line, mark).properties(title=title, width=WIDTH, height=HEIGHT)
