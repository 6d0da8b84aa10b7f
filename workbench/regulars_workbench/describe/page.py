"""One HTML page with every picture and how to read it: no script, nothing from the net, printable."""

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
        New: first order ever seen, in that month. Returning: ordered in the month before, too. Reactivated: ordered
        earlier, but not in the month before. Whoever was a customer before the log began is new in it, too. Returns are
        not taken off. A pale month is not over.""",
    "customers_by_month": """Customers by month
        Those who ordered, by the same kinds. Lost: with this month, {lost} whole calendar months have passed without an
        order. It is counted when that is known: none in the first {lost} months, nor in a month that is not over.""",
    "concentration": """Who brings the revenue
        Customers from the highest spend to the lowest. Were all alike, the line would be the dashed one; the Gini
        coefficient is twice the area between them.""",
    "segments": """Segments
        Each segment's share of the customers and of the revenue so far. {segments}""",
    "rfm_grid": """Recency and frequency
        Scores from 1 to 5, 5 is best; each is a fifth of the customers where values differ enough. Darker: more
        revenue.""",
    "retention": """Cohorts: who comes back
        Of those who placed their first order in a month, the share that ordered so many months later. Blank is not
        known yet. The first cohort holds everyone who was a customer before the log began.""",
    "cohort_value": """Cohorts: what they bring
        Revenue so far over everyone who began in that month, whether they came back or not.""",
    "repeats": """The next order, given time
        Of the orders placed at least so many days before the end, the share that another one followed within them.""",
    "gaps": """How long the next order takes
        Of the gaps that have ended: whole weeks between days of purchase. Who is slow is still out and not here.""",
}
"""Each picture's title, and from the second line on how to read it."""


def page(said: Description) -> str:
    """Return the page as HTML."""
    title = escape(f"{said.lake.resolve().name}: what happened up to {said.as_of:%Y-%m-%d}")
    cards = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in _cards(said))
    body = "".join(_section(said, name) for name in READINGS)
    about = (
        f"Everything before {said.as_of:%Y-%m-%d %H:%M}Z; months are calendar months in UTC, amounts in "
        f"{escape(said.info.currency)}. The numbers lie beside this page, as CSV and Parquet."
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1><small>{about}</small>\n<dl>{cards}</dl>\n{body}</body></html>\n"
    )


def _cards(said: Description) -> list[tuple[str, str]]:
    found = facts(said)
    gini = "-" if found["gini"] is None else f"{found['gini']:.2f}"
    return [
        ("customers", f"{found['customers']:,}"),
        ("orders", f"{found['order_count']:,}"),
        (f"revenue, {said.info.currency}", money(said, found["revenue_cents"])),
        ("an order", money(said, found["mean_order_cents"])),
        ("returned", money(said, found["returned_cents"])),
        ("came back once", share(found["repeat_rate"])),
        ("best 20 % bring", share(found["top_20_percent_share"])),
        ("Gini", gini),
    ]


def _section(said: Description, name: str) -> str:
    title, _, reading = READINGS[name].partition("\n")
    segments = (
        f"By the models of bundle {said.bundle}."
        if said.bundle
        else "Named by recency and frequency score, as in the grid below."
    )
    chart = pictures.PICTURES[name](said)
    text = escape(" ".join(reading.split()).format(lost=said.lost_after_months, segments=segments))
    head = f"<h2>{escape(title)}</h2><p>{text}</p>"
    if chart is None:
        return f"{head}<p><em>The history is too short for this picture.</em></p>\n"
    # As images: side by side in one document, the pictures' own ids would meet.
    image = b64encode(svg(chart).encode()).decode()
    return f'{head}<figure><img alt="{escape(title)}" src="data:image/svg+xml;base64,{image}"></figure>\n'
