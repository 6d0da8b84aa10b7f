"""The pictures of a description: one function each, which returns a chart, or None where the history is too thin."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import altair as alt
import polars as pl

from training.describe.facts import TOPS, by_revenue
from training.describe.relations import Description

Chart = Any
"""One of altair's charts, layered or plain: they share no public base."""

WIDE, HALF, HEIGHT = 900, 400, 260
KINDS = {"new": "#4c78a8", "returning": "#54a24b", "reactivated": "#eeca3b", "lost": "#bab0ac"}
INK = "#33415c"
BLUES = "blues"
SOONEST = 0.95
"""Gaps are drawn up to the week by which so many have ended."""
LATER = 10
"""Stands for this order number and all later ones: no point of a line."""


def monthly_revenue(said: Description) -> Chart | None:
    """Revenue by month, by whether the customer is new; a month that is not over is pale."""
    flows = said.tables["customers_by_month"]
    long = pl.concat(
        flows.select("month", "is_complete", kind=pl.lit(kind), amount=said.money(pl.col(f"{kind}_revenue_cents")))
        for kind in ("new", "returning", "reactivated")
    )
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=_month(),
            y=alt.Y("sum(amount):Q", title=f"revenue, {said.info.currency}", axis=_plain()),
            color=_kinds("new", "returning", "reactivated"),
            opacity=_pale(),
            order=alt.Order("rank:Q"),
        )
    )
    return _sized(chart.transform_calculate(rank=_rank("new", "returning", "reactivated")))


def customers_by_month(said: Description) -> Chart | None:
    """Customers who ordered, by kind, above the line; those lost below it."""
    flows = said.tables["customers_by_month"]
    long = pl.concat(
        flows.select(
            "month",
            "is_complete",
            kind=pl.lit(kind),
            amount=pl.col(f"{kind}_customers") * (-1 if kind == "lost" else 1),
        )
        for kind in KINDS
    ).drop_nulls("amount")
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=_month(),
            y=alt.Y("sum(amount):Q", title="customers; lost below zero", axis=_plain()),
            color=_kinds(*KINDS),
            opacity=_pale(),
            order=alt.Order("rank:Q"),
        )
    )
    return _sized(chart.transform_calculate(rank=_rank(*KINDS)))


def concentration(said: Description) -> Chart | None:
    """The share of the revenue that the best customers bring."""
    curve = said.tables["revenue_concentration"].drop_nulls("revenue_share")
    if curve.is_empty():
        return None
    start = pl.DataFrame({"customer_percent": [0], "revenue_share": [0.0]})
    points = curve.select("customer_percent", "revenue_share")
    line = pl.concat([start, points]).with_columns(pl.col("customer_percent") / 100)
    marked = points.filter(pl.col("customer_percent").is_in(TOPS)).with_columns(
        pl.format("best {} %: {} %", "customer_percent", (100 * pl.col("revenue_share")).round().cast(pl.Int64)).alias(
            "text"
        ),
        pl.col("customer_percent") / 100,
    )
    x = alt.X("customer_percent:Q", title="customers, best first", axis=alt.Axis(format="%"))
    y = alt.Y("revenue_share:Q", title="share of revenue", axis=alt.Axis(format="%"))
    equal = alt.Chart(pl.DataFrame({"customer_percent": [0, 1], "revenue_share": [0, 1]}))
    dots = alt.Chart(marked).encode(x=x, y=y)
    return _sized(
        equal.mark_line(color="#bbbbbb", strokeDash=[4, 4]).encode(x=x, y=y)
        + alt.Chart(line).mark_line(color=INK, strokeWidth=2.5).encode(x=x, y=y)
        + dots.mark_point(filled=True, size=60, color="#e45756", opacity=1)
        + dots.mark_text(align="left", baseline="top", dx=7, dy=2, color=INK).encode(text="text:N"),
        HALF,
    )


def segments(said: Description) -> Chart | None:
    """Each segment's share of the customers beside its share of the revenue."""
    found = by_revenue(said)
    long = pl.concat(
        found.select("segment", what=pl.lit(what), share=pl.col(column))
        for what, column in (("of customers", "customer_share"), ("of revenue", "revenue_share"))
    ).drop_nulls("share")
    base = alt.Chart(long).encode(
        y=alt.Y("segment:N", title=None, sort=found["segment"].to_list()),
        yOffset="what:N",
        x=alt.X("share:Q", title="share", axis=alt.Axis(format="%", tickCount=5)),
    )
    colours = alt.Scale(domain=["of customers", "of revenue"], range=["#9ecae9", INK])
    bars = base.mark_bar().encode(color=alt.Color("what:N", title=None, scale=colours, legend=alt.Legend(orient="top")))
    numbers = base.mark_text(align="left", dx=3, fontSize=9, color=INK).encode(text=alt.Text("share:Q", format=".1%"))
    return _sized(bars + numbers, HALF, 34 * len(found))


def rfm_grid(said: Description) -> Chart | None:
    """The grid of recency and frequency: colour is revenue, text the share of the customers and of the revenue."""
    grid = said.tables["rfm_grid"].drop_nulls("revenue_share").filter(pl.col("customers") > 0)
    percent = {name: (100 * pl.col(f"{name}_share")).round(1) for name in ("customer", "revenue")}
    grid = grid.with_columns(
        upper=pl.format("{} % of customers", percent["customer"]),
        lower=pl.format("{} % of revenue", percent["revenue"]),
    )
    base = alt.Chart(grid).encode(
        x=alt.X(
            "frequency_score:O",
            title="frequency score",
            axis=alt.Axis(labelAngle=0, grid=False),
            scale=alt.Scale(domain=[1, 2, 3, 4, 5]),
        ),
        y=alt.Y(
            "recency_score:O", title="recency score", axis=alt.Axis(grid=False), scale=alt.Scale(domain=[5, 4, 3, 2, 1])
        ),
    )
    most = max(grid["revenue_share"].to_list(), default=0.0)
    ink = alt.condition(f"datum.revenue_share > {0.5 * most}", alt.value("white"), alt.value(INK))
    scale = alt.Scale(scheme=BLUES, type="sqrt", domain=[0, max(most, 1e-9)])
    boxes = base.mark_rect(stroke="white").encode(color=alt.Color("revenue_share:Q", scale=scale, legend=None))
    lines = (("segment", -14, "bold"), ("upper", 1, "normal"), ("lower", 15, "normal"))
    texts = [
        base.mark_text(dy=down, fontSize=10, fontWeight=weight).encode(text=f"{name}:N", color=ink)
        for name, down, weight in lines
    ]
    return _sized(alt.layer(boxes, *texts), 640, 300)


def retention(said: Description) -> Chart | None:
    """The share of each cohort that ordered so many months later."""
    known = said.tables["cohorts"].filter(pl.col("months_since") > 0).drop_nulls("retention_share")
    if known.is_empty():
        return None
    known = known.with_columns(cohort=pl.col("cohort_month").dt.strftime("%Y-%m"))
    rows, columns = known["cohort"].n_unique(), known["months_since"].n_unique()
    base = alt.Chart(known).encode(
        x=alt.X(
            "months_since:O", title="months after the month of the first order", axis=alt.Axis(labelAngle=0, grid=False)
        ),
        y=alt.Y("cohort:O", title="first order in", axis=alt.Axis(grid=False)),
    )
    # A cohort of two that both came back says nothing, and would take the colours from all others.
    high = known.select(pl.col("retention_share").quantile(0.98)).item()
    scale = alt.Scale(scheme=BLUES, domain=[0, max(high, 0.01)], clamp=True)
    legend = alt.Legend(format=".0%", title="ordered", orient="right")
    boxes = base.mark_rect().encode(color=alt.Color("retention_share:Q", scale=scale, legend=legend))
    shown = alt.Text("retention_share:Q", format=".0%")
    ink = alt.condition(f"datum.retention_share > {0.6 * high}", alt.value("white"), alt.value(INK))
    size = 9 if columns <= 26 else 7  # noqa: PLR2004 - so that three figures fit their box
    return _sized(boxes + base.mark_text(fontSize=size).encode(text=shown, color=ink), WIDE, max(18 * rows, 60))


def cohort_value(said: Description) -> Chart | None:
    """What a customer of each cohort has brought by each month."""
    known = said.tables["cohorts"].drop_nulls("cumulative_customer_cents")
    if known["months_since"].n_unique() < 2:  # noqa: PLR2004 - a line has two ends
        return None
    known = known.with_columns(amount=said.money(pl.col("cumulative_customer_cents")))
    chart = (
        alt.Chart(known)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("months_since:Q", title="months after the month of the first order", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("amount:Q", title=f"revenue per customer so far, {said.info.currency}", axis=_plain()),
            detail="cohort_month:T",
            color=alt.Color(
                "cohort_month:T",
                title="first order in",
                scale=alt.Scale(scheme="viridis", type="utc", reverse=True),
                legend=alt.Legend(format="%Y-%m", orient="right"),
            ),
        )
    )
    return _sized(chart, HALF)


def gaps(said: Description) -> Chart | None:
    """How many days pass from an order to the next, by week, as shares of each order number's gaps."""
    found = said.tables["gaps_between_orders"]
    if found.is_empty():
        return None
    group = pl.when(pl.col("order_number") < 4).then(pl.format("{} to {}", "order_number", pl.col("order_number") + 1))  # noqa: PLR2004
    weeks = (
        found.with_columns(step=group.otherwise(pl.lit("4 and later")), week=(pl.col("gap_days") - 1) // 7)
        .group_by("step", "week")
        .agg(pl.col("purchases").sum())
        .sort("step", "week")
        .with_columns(share=pl.col("purchases") / pl.col("purchases").sum().over("step"))
    )
    ended = weeks.group_by("week").agg(pl.col("purchases").sum()).sort("week")
    reached = ended.filter(pl.col("purchases").cum_sum() >= SOONEST * pl.col("purchases").sum())
    span = range(reached["week"].to_list()[0] + 1)
    full = weeks.select("step").unique().join(pl.DataFrame({"week": span}), how="cross")
    drawn = (
        full.join(weeks, on=["step", "week"], how="left")
        .with_columns(pl.col("share").fill_null(0))
        .sort("step", "week")
    )
    chart = (
        alt.Chart(drawn)
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X(
                "week:Q",
                title="whole weeks until the next order",
                axis=alt.Axis(tickMinStep=1),
                scale=alt.Scale(nice=False),
            ),
            y=alt.Y("share:Q", title="share of the gaps", axis=alt.Axis(format="%")),
            color=alt.Color(
                "step:N", title="order", scale=alt.Scale(scheme="tableau10"), legend=alt.Legend(orient="top")
            ),
        )
    )
    return _sized(chart, HALF)


def repeats(said: Description) -> Chart | None:
    """The share of orders that another one followed within so many days, by order number."""
    rates = said.tables["repeat_rates"].filter(pl.col("order_number") < LATER)
    if rates.is_empty():
        return None
    chart = (
        alt.Chart(rates)
        .mark_line(point=True)
        .encode(
            x=alt.X("order_number:Q", title="order number", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y(
                "repeat_rate:Q",
                title="followed by another one",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "within_days:O",
                title="within days",
                scale=alt.Scale(scheme="tealblues"),
                legend=alt.Legend(orient="top"),
            ),
        )
    )
    return _sized(chart, HALF)


PICTURES: dict[str, Callable[[Description], Chart | None]] = {
    one.__name__: one
    for one in (
        *(monthly_revenue, customers_by_month, concentration, segments, rfm_grid),
        *(retention, cohort_value, repeats, gaps),
    )
}


def _month() -> Chart:
    return alt.X("utcyearmonth(month):T", title=None, axis=alt.Axis(format="%Y-%m", labelOverlap=True, grid=False))


def _plain() -> Chart:
    """Amounts as 0, 500, 1.5k, 2M, each label by itself."""
    return alt.Axis(labelExpr="format(datum.value, '~s')")


def _kinds(*kinds: str) -> Chart:
    scale = alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds])
    return alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def _rank(*kinds: str) -> str:
    return f"indexof({list(kinds)}, datum.kind)"


def _pale() -> Chart:
    return alt.Opacity("is_complete:N", scale=alt.Scale(domain=[True, False], range=[1, 0.45]), legend=None)


def _sized(chart: Chart, width: int = WIDE, height: int = HEIGHT) -> Chart:
    return chart.properties(width=width, height=height)


def svg(chart: Chart) -> str:
    """Draw a chart as SVG text."""
    plain = chart.configure_view(stroke=None).configure_axis(gridColor="#eeeeee", labelColor=INK, titleColor=INK)
    out = StringIO()
    plain.save(out, format="svg")
    return out.getvalue()
