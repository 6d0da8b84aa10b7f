"""Pictures of repeat orders: whether the next one comes, and when. None when the history is too short."""

import altair as alt
import polars as pl

from regulars_workbench.describe.relations import Description
from regulars_workbench.describe.style import HALF, Chart, sized

SOONEST = 0.95
"""Gaps are drawn up to the week by which this share has ended."""
LATER = 10
"""Order number that stands for itself and all later ones. It is not drawn."""


def repeats(description: Description) -> Chart | None:
    """Draw the share of orders followed by another within a number of days, by order number."""
    rates = description.tables["repeat_rates"].filter(pl.col("order_number") < LATER)
    if rates.is_empty():
        return None
    chart = (
        alt.Chart(rates)
        .mark_line(point=True)
        .encode(
            x=alt.X("order_number:Q", title="order number", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y(
                "repeat_rate:Q",
                title="followed by another order",
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
    return sized(chart, HALF)


def gaps(description: Description) -> Chart | None:
    """Draw the distribution of days between an order and the next, in weeks, by order number."""
    days = description.tables["gaps_between_orders"]
    if days.is_empty():
        return None
    group = pl.when(pl.col("order_number") < 4).then(pl.format("{} to {}", "order_number", pl.col("order_number") + 1))  # noqa: PLR2004 - the first three steps have lines of their own
    weeks = (
        days.with_columns(step=group.otherwise(pl.lit("4 and later")), week=(pl.col("gap_days") - 1) // 7)
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
    return sized(chart, HALF)
