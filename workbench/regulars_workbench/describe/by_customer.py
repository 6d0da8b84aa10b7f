"""Pictures across customers: concentration of revenue, and segments. None without revenue."""

import altair as alt
import polars as pl

from regulars_workbench.describe.facts import TOPS, by_revenue
from regulars_workbench.describe.relations import Description
from regulars_workbench.describe.style import BLUES, HALF, INK, Chart, sized


def concentration(description: Description) -> Chart | None:
    """Draw the share of revenue of the best customers."""
    curve = description.tables["revenue_concentration"].drop_nulls("revenue_share")
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
    return sized(
        equal.mark_line(color="#bbbbbb", strokeDash=[4, 4]).encode(x=x, y=y)
        + alt.Chart(line).mark_line(color=INK, strokeWidth=2.5).encode(x=x, y=y)
        + dots.mark_point(filled=True, size=60, color="#e45756", opacity=1)
        + dots.mark_text(align="left", baseline="top", dx=7, dy=2, color=INK).encode(text="text:N"),
        HALF,
    )


def segments(description: Description) -> Chart | None:
    """Draw each segment's share of customers and of revenue."""
    table = by_revenue(description)
    long = pl.concat(
        table.select("segment", measure=pl.lit(measure), share=pl.col(column))
        for measure, column in (("of customers", "customer_share"), ("of revenue", "revenue_share"))
    ).drop_nulls("share")
    base = alt.Chart(long).encode(
        y=alt.Y("segment:N", title=None, sort=table["segment"].to_list()),
        yOffset="measure:N",
        x=alt.X("share:Q", title="share", axis=alt.Axis(format="%", tickCount=5)),
    )
    colours = alt.Scale(domain=["of customers", "of revenue"], range=["#9ecae9", INK])
    bars = base.mark_bar().encode(
        color=alt.Color("measure:N", title=None, scale=colours, legend=alt.Legend(orient="top"))
    )
    numbers = base.mark_text(align="left", dx=3, fontSize=9, color=INK).encode(text=alt.Text("share:Q", format=".1%"))
    return sized(bars + numbers, HALF, 34 * len(table))


def rfm_grid(description: Description) -> Chart | None:
    """Draw the grid of recency and frequency scores, coloured by revenue, with shares of customers and revenue."""
    grid = description.tables["rfm_grid"].drop_nulls("revenue_share").filter(pl.col("customers") > 0)
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
    ink = alt.condition(f"datum.revenue_share > {0.3 * most}", alt.value("white"), alt.value(INK))
    scale = alt.Scale(scheme=BLUES, type="sqrt", domain=[0, max(most, 1e-9)])
    boxes = base.mark_rect(stroke="white").encode(color=alt.Color("revenue_share:Q", scale=scale, legend=None))
    lines = (("segment", -14, "bold"), ("upper", 1, "normal"), ("lower", 15, "normal"))
    texts = [
        base.mark_text(dy=down, fontSize=10, fontWeight=weight).encode(text=f"{name}:N", color=ink)
        for name, down, weight in lines
    ]
    return sized(alt.layer(boxes, *texts), 640, 300)
