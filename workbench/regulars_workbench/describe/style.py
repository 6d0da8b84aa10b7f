"""Sizes, colours and axes of all pictures, and their conversion to SVG."""

import re
from io import StringIO
from typing import Any

import altair as alt

Chart = Any
"""A chart of altair, layered or plain. They share no public base class."""

WIDE, HALF, HEIGHT = 900, 400, 260
KINDS = {"new": "#4c78a8", "returning": "#54a24b", "reactivated": "#eeca3b", "lost": "#bab0ac"}
INK = "#33415c"
BLUES = "blues"


def month_axis() -> Chart:
    """Return the x axis of months as text. A time scale would add a month at the end."""
    return alt.X("label:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))


def plain() -> Chart:
    """Return an axis with labels such as 0, 500, 1.5k, 2M."""
    return alt.Axis(labelExpr="format(datum.value, '~s')")


def kinds(*kinds: str) -> Chart:
    """Return the colours and the legend of these kinds of customers."""
    scale = alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds])
    return alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def pale() -> Chart:
    """Return the opacity that makes an incomplete month pale."""
    return alt.Opacity("is_complete:N", scale=alt.Scale(domain=[True, False], range=[1, 0.45]), legend=None)


def sized(chart: Chart, width: int = WIDE, height: int = HEIGHT) -> Chart:
    """Return the chart in this size."""
    return chart.properties(width=width, height=height)


def svg(chart: Chart) -> str:
    """Return the chart as SVG text."""
    plain = chart.configure_view(stroke=None).configure_axis(gridColor="#eeeeee", labelColor=INK, titleColor=INK)
    out = StringIO()
    plain.save(out, format="svg")
    # Gradients are numbered across a process. A picture has at most one, so a fixed name keeps equal pictures equal.
    return re.sub(r"\bgradient_\d+", "gradient", out.getvalue())
