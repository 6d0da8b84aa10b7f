"""What the pictures share: sizes, colours, axes, and how one becomes SVG."""

import re
from io import StringIO
from typing import Any

import altair as alt

Chart = Any
"""One of altair's charts, layered or plain: they share no public base."""

WIDE, HALF, HEIGHT = 900, 400, 260
KINDS = {"new": "#4c78a8", "returning": "#54a24b", "reactivated": "#eeca3b", "lost": "#bab0ac"}
INK = "#33415c"
BLUES = "blues"


def month_axis() -> Chart:
    """Return the x axis of months, given as text: a time scale would begin a month after the last one."""
    return alt.X("label:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))


def plain() -> Chart:
    """Return the axis of amounts as 0, 500, 1.5k, 2M, each label by itself."""
    return alt.Axis(labelExpr="format(datum.value, '~s')")


def kinds(*kinds: str) -> Chart:
    """Return the colours of these kinds of customers, with their legend."""
    scale = alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds])
    return alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def pale() -> Chart:
    """Return the opacity by which a month that is not over is pale."""
    return alt.Opacity("is_complete:N", scale=alt.Scale(domain=[True, False], range=[1, 0.45]), legend=None)


def sized(chart: Chart, width: int = WIDE, height: int = HEIGHT) -> Chart:
    """Give a chart its size."""
    return chart.properties(width=width, height=height)


def svg(chart: Chart) -> str:
    """Draw a chart as SVG text."""
    plain = chart.configure_view(stroke=None).configure_axis(gridColor="#eeeeee", labelColor=INK, titleColor=INK)
    out = StringIO()
    plain.save(out, format="svg")
    # The library numbers gradients through the life of a process; a picture has one at most, and equal ones stay equal.
    return re.sub(r"\bgradient_\d+", "gradient", out.getvalue())
