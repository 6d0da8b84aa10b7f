"""What `regulars describe` prints: two screens, the numbers that most meetings ask for."""

from training import show
from training.describe.facts import TOPS, by_revenue, earned, facts, retention
from training.describe.relations import Description

MONTHS = 13
"""The last year and the month that it is compared with."""
AGES = [1, 2, 3, 6, 9, 12, 18, 24]
NUMBERS = 5
SHOWN = (*TOPS, 50)
LIMITS = ((1e9, "bn"), (1e6, "M"), (1e4, "k"))
WITHIN = (30, 90, 365)


def short(amount: float | None) -> str:
    """Write an amount with three significant places: 1.23 M, 45.6 k, 789."""
    if amount is None:
        return "-"
    for limit, unit in LIMITS:
        if abs(amount) >= limit:
            scaled = amount / (limit if unit != "k" else 1e3)
            return f"{scaled:,.2f} {unit}" if abs(scaled) < 10 else f"{scaled:,.1f} {unit}"  # noqa: PLR2004 - places
    return f"{amount:,.0f}" if abs(amount) >= 100 or amount == int(amount) else f"{amount:,.2f}"  # noqa: PLR2004 - places


def share(part: float | None) -> str:
    """Write a share as a percentage, a dash for null."""
    return "-" if part is None else f"{100 * part:.1f} %"


def _percent(part: float | None) -> str:
    return share(part).removesuffix(" %")


def money(said: Description, cents: float | None) -> str:
    """Write minor units in the major one."""
    return short(None if cents is None else cents / 10**said.info.minor_units)


def show_description(said: Description) -> None:
    """Print a description."""
    _headline(said)
    _months(said)
    _concentration(said)
    _segments(said)
    _grid(said)
    _cohorts(said)
    _repeats(said)


def _headline(said: Description) -> None:
    found = facts(said)
    days = said.tables["repeat_orders"].row(0, named=True)["median_gap_days"]
    again = f", half of them within {days} days" if days is not None else ""
    show.say(
        f" as of {said.as_of:%Y-%m-%d %H:%M}Z. Customers: {found['customers']:,}, orders: {found['order_count']:,}, "
        f"revenue: {said.info.currency} {money(said, found['revenue_cents'])} "
        f"({money(said, found['mean_order_cents'])} an order), returns: {found['return_count']:,} "
        f"({money(said, found['returned_cents'])}). {share(found['repeat_rate'])} came back for a second order{again}.",
        "bold",
        str(said.lake),
    )


def _months(said: Description) -> None:
    months = said.tables["monthly_revenue"].join(
        said.tables["customers_by_month"].drop("is_complete", "active_customers"), on="month"
    )
    rows = [
        (
            f"{row['month']:%Y-%m}" + ("" if row["is_complete"] else " *"),
            money(said, row["revenue_cents"]),
            row["order_count"],
            money(said, row["mean_order_cents"]),
            money(said, row["returned_cents"]),
            row["active_customers"],
            row["new_customers"],
            row["returning_customers"],
            row["reactivated_customers"],
            row["lost_customers"],
        )
        for row in months.tail(MONTHS).rows(named=True)
    ]
    customers = (">active", ">new", ">returning", ">reactivated", ">lost")
    show.table(
        f"Months, {said.info.currency} (lost: now {said.lost_after_months} whole months without an order; *: not over)",
        ("month", ">revenue", ">orders", ">an order", ">returned", *customers),
        rows,
    )


def _concentration(said: Description) -> None:
    found = facts(said)
    rows = [
        (f"best {percent} %", f"{number:,.0f}", share(part), money(said, spent))
        for percent, spent, part in said.tables["revenue_concentration"].rows()
        for number in (found["customers"] * percent / 100,)
        if percent in SHOWN and number >= 1
    ]
    if rows:
        gini = "-" if found["gini"] is None else f"{found['gini']:.3f}"
        heads = ("customers", ">number", ">share of revenue", f">spent at least, {said.info.currency}")
        show.table(f"Who brings the revenue (Gini {gini})", heads, rows)


def _segments(said: Description) -> None:
    rows = []
    for row in by_revenue(said).rows(named=True):
        cells: list[object] = [
            row["segment"],
            row["customers"],
            share(row["customer_share"]),
            share(row["revenue_share"]),
            row["median_order_count"],
            money(said, row["median_spend_cents"]),
            money(said, row["mean_order_cents"]),
            f"{row['median_recency_days']:.0f}",
        ]
        if said.bundle:
            cells += [money(said, row["mean_predicted_value_cents"]), share(row["mean_churn_probability"])]
        rows.append(cells)
    heads = (
        "segment",
        ">customers",
        ">of all",
        ">of revenue",
        ">orders*",
        f">spend*, {said.info.currency}",
        ">an order",
    )
    heads = (*heads, ">days away*", *((">value ahead", ">churn") if said.bundle else ()))
    source = f"of bundle {said.bundle}" if said.bundle else "by recency and frequency score"
    show.table(f"Segments {source} (* median)", heads, rows)


def _grid(said: Description) -> None:
    cells = {(row["recency_score"], row["frequency_score"]): row for row in said.tables["rfm_grid"].rows(named=True)}
    rows: list[tuple[object, ...]] = []
    for recency in range(5, 0, -1):
        found = [cells[recency, frequency] for frequency in range(1, 6)]
        shown = [f"{100 * one['customer_share']:.1f} / {_percent(one['revenue_share'])}" for one in found]
        rows.append(
            (f"recency {recency}", *(text if one["customers"] else "-" for text, one in zip(shown, found, strict=True)))
        )
    heads = ("", *(f">frequency {score}" for score in range(1, 6)))
    show.table("RFM: % of customers / % of revenue (5 is best)", heads, rows)


def _cohorts(said: Description) -> None:
    table = retention(said, AGES).join(earned(said), on="cohort_month", how="left").sort("cohort_month").tail(MONTHS)
    known = [age for age in AGES if table[str(age)].is_not_null().any()]
    rows = [
        (
            f"{row['cohort_month']:%Y-%m}",
            row["cohort_customers"],
            *(share(row[str(age)]) for age in known),
            money(said, row["cumulative_customer_cents"]),
        )
        for row in table.rows(named=True)
    ]
    heads = ("first order in", ">customers", *(f">+{age}" for age in known), f">{said.info.currency} each so far")
    show.table("Cohorts: share that ordered so many months after the month of the first order", heads, rows)


def _repeats(said: Description) -> None:
    rates = {
        (row["order_number"], row["within_days"]): row["repeat_rate"]
        for row in said.tables["repeat_rates"].rows(named=True)
    }
    rows = [
        (
            f"{number} to {number + 1}",
            row["purchases"],
            share(row["repeat_rate"]),
            *(share(rates.get((number, days))) for days in WITHIN),
            row["median_gap_days"],
        )
        for row in said.tables["repeat_orders"].head(NUMBERS).rows(named=True)
        for number in (row["order_number"],)
    ]
    within = (f">within {days} days" for days in WITHIN)
    show.table("From order to order", ("order", ">placed", ">next one so far", *within, ">median days"), rows)
