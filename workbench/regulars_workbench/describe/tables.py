"""What `regulars describe` prints: two screens, the numbers that most meetings ask for."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from regulars_workbench import console
from regulars_workbench.describe.facts import TOPS, by_revenue, earned, facts, retention
from regulars_workbench.describe.relations import Description

MONTHS = 13
"""The last year and the month that it is compared with."""
AGES = [1, 2, 3, 6, 9, 12, 18, 24]
KINDS = ("active", "new", "returning", "reactivated", "lost")
NUMBERS = 5
WIDE = 100
"""From so many characters on there is room between the columns."""
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


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as `show.table` does, but lean, so that ten columns of figures fit 80 characters."""
    console.say(title, "bold")
    out = Table(header_style="dim", box=box.SIMPLE_HEAD, pad_edge=False)
    out.padding = (0, int(console.console.width >= WIDE), 0, 0)
    for column in columns:
        out.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    for row in rows:
        out.add_row(*("-" if cell is None else escape(str(cell)) for cell in row))
    console.console.print(out)


def _headline(said: Description) -> None:
    found = facts(said)
    days = said.tables["repeat_orders"].row(0, named=True)["median_gap_days"]
    again = f", half of them within {days} days" if days is not None else ""
    console.say(
        f" as of {said.as_of:%Y-%m-%d %H:%M}Z. Customers: {found['customers']:,}, orders: {found['order_count']:,}, "
        f"revenue: {said.info.currency} {money(said, found['revenue_cents'])} "
        f"({money(said, found['mean_order_cents'])} an order), returns: {found['return_count']:,} "
        f"({money(said, found['returned_cents'])}). {share(found['repeat_rate'])} came back for a second order{again}.",
        "bold",
        str(said.lake),
    )


def _months(said: Description) -> None:
    flows = said.tables["customers_by_month"].drop("is_complete", "active_customers")
    months = said.tables["monthly_revenue"].join(flows, on="month").sort("month")
    rows = [
        (
            f"{row['month']:%Y-%m}" + ("" if row["is_complete"] else " *"),
            money(said, row["revenue_cents"]),
            money(said, row["returned_cents"]),
            short(row["order_count"]),
            *(short(row[f"{kind}_customers"]) for kind in KINDS),
        )
        for row in months.tail(MONTHS).rows(named=True)
    ]
    lost = f"lost: after {said.lost_after_months} whole months without an order"
    heads = ("month", ">revenue", ">returns", ">orders", ">active", ">new", ">returning", ">reacti-\nvated", ">lost")
    _table(f"Months, {said.info.currency} (*: not over; {lost})", heads, rows)


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
        heads = ("customers", ">number", ">of the revenue", f">each at least, {said.info.currency}")
        _table(f"Who brings the revenue (Gini {gini})", heads, rows)


def _segments(said: Description) -> None:
    rows = []
    for row in by_revenue(said).rows(named=True):
        cells: list[object] = [
            row["segment"],
            short(row["customers"]),
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
    heads = ("segment", ">number", ">share", ">revenue", ">orders*", ">spend*", ">an order", ">days*")
    heads = (*heads, *((">ahead", ">churn") if said.bundle else ()))
    source = f"of bundle {said.bundle}" if said.bundle else "by recency and frequency score"
    _table(f"Segments {source}, {said.info.currency} (*: median; days: since the last one)", heads, rows)


def _grid(said: Description) -> None:
    cells = {(row["recency_score"], row["frequency_score"]): row for row in said.tables["rfm_grid"].rows(named=True)}
    rows: list[tuple[object, ...]] = []
    for recency in range(5, 0, -1):
        found = [cells[recency, frequency] for frequency in range(1, 6)]
        shown = [f"{100 * one['customer_share']:.1f} / {_percent(one['revenue_share'])}" for one in found]
        rows.append(
            (f"R {recency}", *(text if one["customers"] else "-" for text, one in zip(shown, found, strict=True)))
        )
    heads = ("", *(f">F {score}" for score in range(1, 6)))
    _table("RFM: % of customers / % of revenue (R recency, F frequency, 5 is best)", heads, rows)


def _cohorts(said: Description) -> None:
    table = retention(said, AGES).join(earned(said), on="cohort_month", how="left").sort("cohort_month").tail(MONTHS)
    known = [age for age in AGES if table[str(age)].is_not_null().any()]
    rows = [
        (
            f"{row['cohort_month']:%Y-%m}",
            row["cohort_customers"],
            *(_percent(row[str(age)]) for age in known),
            money(said, row["cumulative_customer_cents"]),
        )
        for row in table.rows(named=True)
    ]
    heads = ("began", ">customers", *(f">+{age}" for age in known), f">{said.info.currency} each")
    _table("Cohorts: % who ordered so many months after the first order's; revenue each so far", heads, rows)


def _repeats(said: Description) -> None:
    rates = {
        (row["order_number"], row["within_days"]): row["repeat_rate"]
        for row in said.tables["repeat_rates"].rows(named=True)
    }
    rows = [
        (
            f"{number} to {number + 1}",
            short(row["purchases"]),
            share(row["repeat_rate"]),
            *(share(rates.get((number, days))) for days in WITHIN),
            row["median_gap_days"],
        )
        for row in said.tables["repeat_orders"].head(NUMBERS).rows(named=True)
        for number in (row["order_number"],)
    ]
    within = (f">in {days} days" for days in WITHIN)
    _table("From order to order", ("order", ">placed", ">next so far", *within, ">median days"), rows)
