"""One HTML page with all pictures and how to read them: printable, without scripts or network."""

from base64 import b64encode
from html import escape

from regulars_workbench.describe import pictures
from regulars_workbench.describe.facts import facts
from regulars_workbench.describe.relations import Description
from regulars_workbench.describe.style import svg
from regulars_workbench.describe.tables import money, share

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #33415c; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 0.2rem; }
p { margin: 0.2rem 0 0.8rem; max-width: 46rem; } small { color: #7a869a; }
dl { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1.2rem 0; }
dl div { background: #f3f5f9; border-radius: 6px; padding: 0.5rem 0.9rem; }
dt { font-size: 0.8rem; } dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
img { max-width: 100%; height: auto; } h2, figure { break-inside: avoid; } figure { margin: 0; }
"""

READINGS = {
    "monthly_revenue": """Revenue by month
        New: the first order in the log is in that month. Returning: also ordered in the month before. Reactivated:
        ordered earlier, but not in the month before. Customers from before the log began count as new. Returns are
        not subtracted. A pale month is incomplete.""",
    "customers_by_month": """Customers by month
        Customers who ordered, by the same kinds. Lost: at the end of this month, {lost} whole calendar months have
        passed without an order. So no customer is lost in the first {lost} months, or in an incomplete month.""",
    "concentration": """Concentration of revenue
        Customers from the highest spend to the lowest. The dashed line is equal spend. The Gini coefficient is twice
        the area between the lines.""",
    "segments": """Segments
        Each segment's share of the customers and of the revenue so far. {segments}""",
    "rfm_grid": """Recency and frequency
        Scores from 1 to 5, 5 is best. Each score has a fifth of the customers if values differ enough. Darker: more
        revenue.""",
    "retention": """Cohorts: retention
        Of the customers with their first order in a month, the share that ordered a number of months later. Blank: not
        known yet. The first cohort includes all customers from before the log began.""",
    "cohort_value": """Cohorts: revenue per customer
        Revenue so far, divided by all customers with their first order in that month.""",
    "repeats": """Repeat orders within a number of days
        Of the orders placed at least that many days before the end, the share followed by another order in time.""",
    "gaps": """Time to the next order
        Completed gaps between days of purchase, in whole weeks. Gaps that are still open are missing, so this is biased
        short.""",
}
"""Title of each picture, and from the second line on how to read it."""


def page(description: Description) -> str:
    """Return the page as HTML."""
    title = escape(f"{description.lake.resolve().name}: what happened up to {description.as_of:%Y-%m-%d}")
    cards = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in _cards(description)
    )
    body = "".join(_section(description, name) for name in READINGS)
    about = (
        f"All rows before {description.as_of:%Y-%m-%d %H:%M}Z; months are calendar months in UTC, amounts in "
        f"{escape(description.info.currency)}. The numbers are in the same folder, as CSV and Parquet."
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1><small>{about}</small>\n<dl>{cards}</dl>\n{body}</body></html>\n"
    )


def _cards(description: Description) -> list[tuple[str, str]]:
    numbers = facts(description)
    gini = "-" if numbers["gini"] is None else f"{numbers['gini']:.2f}"
    return [
        ("customers", f"{numbers['customers']:,}"),
        ("orders", f"{numbers['order_count']:,}"),
        (f"revenue, {description.info.currency}", money(description, numbers["revenue_cents"])),
        ("mean order", money(description, numbers["mean_order_cents"])),
        ("returned", money(description, numbers["returned_cents"])),
        ("ordered again", share(numbers["repeat_rate"])),
        ("revenue share of best 20 %", share(numbers["top_20_percent_share"])),
        ("Gini", gini),
    ]


def _section(description: Description, name: str) -> str:
    title, _, reading = READINGS[name].partition("\n")
    segments = (
        f"From the models of bundle {description.bundle}."
        if description.bundle
        else "Named by recency and frequency score, as in the grid below."
    )
    chart = pictures.PICTURES[name](description)
    text = escape(" ".join(reading.split()).format(lost=description.lost_after_months, segments=segments))
    head = f"<h2>{escape(title)}</h2><p>{text}</p>"
    if chart is None:
        return f"{head}<p><em>The history is too short for this picture.</em></p>\n"
    # As images, because the ids of inline pictures would collide.
    image = b64encode(svg(chart).encode()).decode()
    return f'{head}<figure><img alt="{escape(title)}" src="data:image/svg+xml;base64,{image}"></figure>\n'
