"""The tables of `regulars describe`, about two screens."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from regulars_workbench import console
from regulars_workbench.describe.facts import TOPS, by_revenue, facts, retention, revenue_per_customer
from regulars_workbench.describe.relations import Description

MONTHS = 13
"""A year, and the month to compare with."""
AGES = [1, 2, 3, 6, 9, 12, 18, 24]
KINDS = ("active", "new", "returning", "reactivated", "lost")
NUMBERS = 5
WIDE = 100
"""Width of the terminal, in characters, from which columns have a space between them."""
SHOWN = (*TOPS, 50)
LIMITS = ((1e9, "bn"), (1e6, "M"), (1e4, "k"))
WITHIN = (30, 90, 365)


def short(amount: float | None) -> str:
    """Return an amount with about three significant digits: 1.23 M, 45.6 k, 789."""
    if amount is None:
        return "-"
    for limit, unit in LIMITS:
        if abs(amount) >= limit:
            scaled = amount / (limit if unit != "k" else 1e3)
            return f"{scaled:,.2f} {unit}" if abs(scaled) < 10 else f"{scaled:,.1f} {unit}"  # noqa: PLR2004 - places
    return f"{amount:,.0f}" if abs(amount) >= 100 or amount == int(amount) else f"{amount:,.2f}"  # noqa: PLR2004 - places


def share(part: float | None) -> str:
    """Return a share as a percentage; a dash for null."""
    return "-" if part is None else f"{100 * part:.1f} %"


def _percent(part: float | None) -> str:
    return share(part).removesuffix(" %")


def money(description: Description, cents: float | None) -> str:
    """Return an amount of minor units, in units of currency."""
    return short(None if cents is None else cents / 10**description.info.minor_units)


def show_description(description: Description) -> None:
    """Print a description."""
    _headline(description)
    _months(description)
    _concentration(description)
    _segments(description)
    _grid(description)
    _cohorts(description)
    _repeats(description)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table that is narrower than `console.table`: ten columns of numbers fit in 80 characters."""
    console.say(title, "bold")
    out = Table(header_style="dim", box=box.SIMPLE_HEAD, pad_edge=False)
    out.padding = (0, int(console.console.width >= WIDE), 0, 0)
    for column in columns:
        out.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    for row in rows:
        out.add_row(*("-" if cell is None else escape(str(cell)) for cell in row))
    console.console.print(out)


def _headline(description: Description) -> None:
    numbers = facts(description)
    days = description.tables["repeat_orders"].row(0, named=True)["median_gap_days"]
    median = f", half of them within {days} days" if days is not None else ""
    console.say(
        f" as of {description.as_of:%Y-%m-%d %H:%M}Z. "
        f"Customers: {numbers['customers']:,}, orders: {numbers['order_count']:,}, "
        f"revenue: {description.info.currency} {money(description, numbers['revenue_cents'])} "
        f"({money(description, numbers['mean_order_cents'])} per order), returns: {numbers['return_count']:,} "
        f"({money(description, numbers['returned_cents'])}). {share(numbers['repeat_rate'])} ordered again{median}.",
        "bold",
        str(description.lake),
    )


def _months(description: Description) -> None:
    flows = description.tables["customers_by_month"].drop("is_complete", "active_customers")
    months = description.tables["monthly_revenue"].join(flows, on="month").sort("month")
    rows = [
        (
            f"{row['month']:%Y-%m}" + ("" if row["is_complete"] else " *"),
            money(description, row["revenue_cents"]),
            money(description, row["returned_cents"]),
            short(row["order_count"]),
            *(short(row[f"{kind}_customers"]) for kind in KINDS),
        )
        for row in months.tail(MONTHS).rows(named=True)
    ]
    lost = f"lost: after {description.lost_after_months} whole months without an order"
    heads = ("month", ">revenue", ">returns", ">orders", ">active", ">new", ">returning", ">reacti-\nvated", ">lost")
    _table(f"Months, {description.info.currency} (*: incomplete; {lost})", heads, rows)


def _concentration(description: Description) -> None:
    numbers = facts(description)
    rows = [
        (f"best {percent} %", f"{number:,.0f}", share(part), money(description, spent))
        for percent, spent, part in description.tables["revenue_concentration"].rows()
        for number in (numbers["customers"] * percent / 100,)
        if percent in SHOWN and number >= 1
    ]
    if rows:
        gini = "-" if numbers["gini"] is None else f"{numbers['gini']:.3f}"
        heads = ("customers", ">number", ">share of revenue", f">lowest spend, {description.info.currency}")
        _table(f"Concentration of revenue (Gini {gini})", heads, rows)


def _segments(description: Description) -> None:
    rows = []
    for row in by_revenue(description).rows(named=True):
        cells: list[object] = [
            row["segment"],
            short(row["customers"]),
            share(row["customer_share"]),
            share(row["revenue_share"]),
            row["median_order_count"],
            money(description, row["median_spend_cents"]),
            money(description, row["mean_order_cents"]),
            f"{row['median_recency_days']:.0f}",
        ]
        if description.bundle:
            cells += [money(description, row["mean_predicted_value_cents"]), share(row["mean_churn_probability"])]
        rows.append(cells)
    heads = ("segment", ">number", ">share", ">revenue", ">orders*", ">spend*", ">order", ">days*")
    heads = (*heads, *((">value", ">churn") if description.bundle else ()))
    source = f"of bundle {description.bundle}" if description.bundle else "by recency and frequency score"
    _table(
        f"Segments {source}, {description.info.currency} (*: median; order: mean value; days: since the last order)",
        heads,
        rows,
    )


def _grid(description: Description) -> None:
    cells = {
        (row["recency_score"], row["frequency_score"]): row for row in description.tables["rfm_grid"].rows(named=True)
    }
    rows: list[tuple[object, ...]] = []
    for recency in range(5, 0, -1):
        row = [cells[recency, frequency] for frequency in range(1, 6)]
        texts = [f"{100 * cell['customer_share']:.1f} / {_percent(cell['revenue_share'])}" for cell in row]
        rows.append(
            (f"R {recency}", *(text if cell["customers"] else "-" for text, cell in zip(texts, row, strict=True)))
        )
    heads = ("", *(f">F {score}" for score in range(1, 6)))
    _table("RFM: % of customers / % of revenue (R: recency, F: frequency; 5 is best)", heads, rows)


def _cohorts(description: Description) -> None:
    table = (
        retention(description, AGES)
        .join(revenue_per_customer(description), on="cohort_month", how="left")
        .sort("cohort_month")
        .tail(MONTHS)
    )
    known = [age for age in AGES if table[str(age)].is_not_null().any()]
    rows = [
        (
            f"{row['cohort_month']:%Y-%m}",
            row["cohort_customers"],
            *(_percent(row[str(age)]) for age in known),
            money(description, row["cumulative_customer_cents"]),
        )
        for row in table.rows(named=True)
    ]
    heads = ("first order", ">customers", *(f">+{age}" for age in known), f">{description.info.currency} per customer")
    _table(
        "Cohorts: % who ordered +n months after the month of the first order; revenue per customer so far", heads, rows
    )


def _repeats(description: Description) -> None:
    rates = {
        (row["order_number"], row["within_days"]): row["repeat_rate"]
        for row in description.tables["repeat_rates"].rows(named=True)
    }
    rows = [
        (
            f"{number} to {number + 1}",
            short(row["purchases"]),
            share(row["repeat_rate"]),
            *(share(rates.get((number, days))) for days in WITHIN),
            row["median_gap_days"],
        )
        for row in description.tables["repeat_orders"].head(NUMBERS).rows(named=True)
        for number in (row["order_number"],)
    ]
    within = (f">in {days} days" for days in WITHIN)
    _table("Repeat orders", ("from order", ">placed", ">so far", *within, ">median days"), rows)
