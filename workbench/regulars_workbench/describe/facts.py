"""The headline numbers of a description."""

from typing import Any

import polars as pl

from regulars_workbench.describe.relations import Description

TOPS = (1, 5, 10, 20)


def facts(description: Description) -> dict[str, Any]:
    """Return totals, concentration, repeat rate and the last complete month. Money is in minor units, shares 0 to 1."""
    months, flows = description.tables["monthly_revenue"], description.tables["customers_by_month"]
    [summary] = description.tables["concentration_summary"].rows(named=True)
    first = description.tables["repeat_orders"].row(0, named=True)
    totals = months.select("order_count", "revenue_cents", "return_count", "returned_cents").sum().row(0, named=True)
    flows = flows.drop("is_complete", "active_customers")  # columns that months has too
    complete = months.join(flows, on="month").sort("month").filter("is_complete").tail(1).rows(named=True)
    return {
        "customers": summary["customers"],
        **totals,
        "mean_order_cents": totals["revenue_cents"] / totals["order_count"],
        "repeat_rate": first["repeat_rate"],
        "median_days_to_second_order": first["median_gap_days"],
        **{f"top_{top}_percent_share": summary[f"top_{top}_percent_share"] for top in TOPS},
        "gini": summary["gini"],
        "last_complete_month": complete[0] if complete else None,
    }


def by_revenue(description: Description) -> pl.DataFrame:
    """Return the segments, highest revenue first."""
    return description.tables["segments"].sort(["revenue_cents", "segment"], descending=[True, False])


def retention(description: Description, ages: list[int]) -> pl.DataFrame:
    """Return each cohort with its retention `ages` months after the first order; null where not known yet."""
    cohorts = description.tables["cohorts"]
    wide = cohorts.filter(pl.col("months_since") == 0).select("cohort_month", "cohort_customers")
    for age in ages:
        shares = cohorts.filter(pl.col("months_since") == age).select(
            "cohort_month", pl.col("retention_share").alias(str(age))
        )
        wide = wide.join(shares, on="cohort_month", how="left")
    return wide.sort("cohort_month")


def revenue_per_customer(description: Description) -> pl.DataFrame:
    """Return each cohort with its revenue per customer up to its last complete month."""
    known = description.tables["cohorts"].filter("is_complete").sort("cohort_month", "months_since")
    return (
        known.group_by("cohort_month", maintain_order=True).last().select("cohort_month", "cumulative_customer_cents")
    )
