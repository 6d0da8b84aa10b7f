"""The picture of the churn horizon: the share of repeat buyers who have returned, by day."""

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from regulars.data.atomic_files import atomic_file
from regulars_workbench.check.findings.gaps import Curve
from regulars_workbench.check.report import CheckReport

Chart = Any
"""A chart of altair, layered or plain. They share no public base class."""

WIDTH, HEIGHT, SCALE = 640, 340, 2
BEYOND = 3
"""The axis ends at this multiple of the suggested horizon, where the curve is nearly flat."""
ROOM = 0.25
"""A text fits to the left of its line from this part of the axis on."""
ESTIMATE, COMPLETED = "all gaps, open ones as censored", "completed gaps only (biased short)"
BLUE, GREY, RED = "#1f5a96", "#8a8a8a", "#b03a2e"


def draw(report: CheckReport, curve: Curve, out: Path) -> None:
    """Write the PNG, atomically."""
    chart = _chart(report, curve)
    with atomic_file(out) as partial:
        chart.save(str(partial), format="png", scale_factor=SCALE)


def _chart(report: CheckReport, curve: Curve) -> Chart:
    horizon = report.churn_horizon
    suggested, asked = horizon.suggested_days or 0, report.history.horizon_days
    end = int(max(min(BEYOND * suggested, curve.days[-1]), 1.4 * suggested, 1.4 * asked))
    x = alt.X("days:Q", title="days since the first day of purchase", scale=alt.Scale(domain=[0, end], nice=False))
    y = alt.Y(
        "share:Q",
        title="share of repeat buyers who have returned",
        axis=alt.Axis(format="%"),
        scale=alt.Scale(domain=[0, 1]),
    )
    colour = alt.Color(
        "line:N",
        title=None,
        scale=alt.Scale(domain=[ESTIMATE, COMPLETED], range=[BLUE, GREY]),
        legend=alt.Legend(orient="bottom", labelLimit=400),
    )
    lines = (
        alt.Chart(_steps(curve, end))
        .mark_line(interpolate="step-after", strokeWidth=2.5)
        .encode(x=x, y=y, color=colour)
    )
    left = suggested < asked and suggested > ROOM * end  # the two texts do not overlap
    marks = [
        _mark(suggested, f"suggested: {suggested} days", RED, 0.14, left=left),
        _mark(asked, f"asked: {asked} days", "black", 0.06, left=asked < suggested and asked > ROOM * end),
    ]
    level = pl.DataFrame({"share": [horizon.percentile / 100]})
    across = alt.Chart(level).mark_rule(color=RED, strokeDash=[3, 3], opacity=0.6).encode(y="share:Q")
    return alt.layer(across, *marks, lines).properties(title=_title(report), width=WIDTH, height=HEIGHT)


def _steps(curve: Curve, end: int) -> pl.DataFrame:
    inside = curve.days <= end
    days = np.concatenate(([0.0], curve.days[inside], [float(min(end, curve.days[-1]))]))
    frames = []
    for name, values in (
        (ESTIMATE, curve.returned / curve.returned[-1]),
        (COMPLETED, curve.completed / curve.completed[-1]),
    ):
        share = np.concatenate(([0.0], values[inside], values[inside][-1:]))
        frames.append(pl.DataFrame({"days": days, "share": share, "line": name}))
    return pl.concat(frames)


def _mark(days: int, text: str, colour: str, height: float, *, left: bool) -> Chart:
    """Draw a vertical line with its text on one side."""
    base = alt.Chart(pl.DataFrame({"days": [days], "share": [height], "text": [text]}))
    rule = base.mark_rule(color=colour, strokeDash=[6, 4]).encode(x="days:Q")
    label = base.mark_text(align="right" if left else "left", dx=-6 if left else 6, color=colour, fontSize=13)
    return rule + label.encode(x="days:Q", y="share:Q", text="text:N")


def _title(report: CheckReport) -> Chart:
    horizon = report.churn_horizon
    subtitle = (
        f"first gap of {horizon.customers:,} customers as of {report.as_of:%Y-%m-%d}; "
        f"{horizon.gone_share or 0:.0%} had not returned after {horizon.watched_days:,} days"
    )
    return alt.TitleParams("How long until customers buy again", subtitle=[subtitle], anchor="start", fontSize=16)
