"""Pictures over time: months and cohorts. None when the history is too short."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from regulars_workbench.describe.relations import Description
from regulars_workbench.describe.style import (
    BLUES,
    HALF,
    INK,
    KINDS,
    WIDE,
    Chart,
    kinds,
    month_axis,
    pale,
    plain,
    sized,
)


def monthly_revenue(description: Description) -> Chart | None:
    """Draw revenue by month and kind of customer. An incomplete month is pale."""
    amounts = {kind: description.money(pl.col(f"{kind}_revenue_cents")) for kind in KINDS if kind != "lost"}
    return _stacked(description, amounts, f"revenue, {description.info.currency}")


def customers_by_month(description: Description) -> Chart | None:
    """Draw active customers by month and kind, and lost customers below zero."""
    amounts = {kind: pl.col(f"{kind}_customers") * (-1 if kind == "lost" else 1) for kind in KINDS}
    return _stacked(description, amounts, "customers; lost below zero")


def _stacked(description: Description, amounts: Mapping[str, pl.Expr], title: str) -> Chart:
    flows, label = description.tables["customers_by_month"], pl.col("month").dt.strftime("%Y-%m")
    long = pl.concat(
        flows.select("is_complete", label=label, kind=pl.lit(kind), rank=pl.lit(rank), amount=amount)
        for rank, (kind, amount) in enumerate(amounts.items())
    )
    chart = alt.Chart(long).mark_bar().encode(x=month_axis(), color=kinds(*amounts), opacity=pale(), order="rank:Q")
    return sized(chart.encode(y=alt.Y("sum(amount):Q", title=title, axis=plain())))


def retention(description: Description) -> Chart | None:
    """Draw the share of each cohort that ordered a number of months later."""
    known = description.tables["cohorts"].filter(pl.col("months_since") > 0).drop_nulls("retention_share")
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
    # A tiny cohort with extreme retention would use up the colour scale.
    high = known.select(pl.col("retention_share").quantile(0.98)).item()
    scale = alt.Scale(scheme=BLUES, domain=[0, max(high, 0.01)], clamp=True)
    legend = alt.Legend(format=".0%", title="ordered", orient="right")
    boxes = base.mark_rect().encode(color=alt.Color("retention_share:Q", scale=scale, legend=legend))
    shown = alt.Text("retention_share:Q", format=".0%")
    ink = alt.condition(f"datum.retention_share > {0.5 * high}", alt.value("white"), alt.value(INK))
    size = 9 if columns <= 26 else 7  # noqa: PLR2004 - so that three figures fit their box
    return sized(boxes + base.mark_text(fontSize=size).encode(text=shown, color=ink), WIDE, max(18 * rows, 60))


def cohort_value(description: Description) -> Chart | None:
    """Draw the revenue per customer of each cohort, by months since the first order."""
    known = description.tables["cohorts"].drop_nulls("cumulative_customer_cents")
    if known["months_since"].n_unique() < 2:  # noqa: PLR2004 - a line has two ends
        return None
    known = known.with_columns(amount=description.money(pl.col("cumulative_customer_cents")))
    chart = (
        alt.Chart(known)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("months_since:Q", title="months after the month of the first order", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("amount:Q", title=f"revenue per customer so far, {description.info.currency}", axis=plain()),
            detail="cohort_month:T",
            color=alt.Color(
                "cohort_month:T",
                title="first order in",
                scale=alt.Scale(scheme="viridis", type="utc", reverse=True),
                legend=alt.Legend(format="%Y-%m", orient="right"),
            ),
        )
    )
    return sized(chart, HALF)
