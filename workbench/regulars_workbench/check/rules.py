"""What may be odd about a lake, how bad that is, why it matters, and what to do: one entry a finding."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars_workbench.check.report import Finding, Severity

MOST_ORDERS = 50
"""Orders of one customer in a day from which on nobody has ordered by hand: one every 20 minutes of 16 waking hours."""
MOST_EVENTS = 1_000
"""Events of one customer in a day from which on it is a program: more than one a minute of 16 waking hours."""
OUTLIER = 20
"""An order is an outlier above so many times the 99th percentile: cents taken for units are 100 times too much."""
DOMINANT = 0.10
"""Share of all revenue from which on one customer decides how good a forecast looks."""
REPEATED_ERROR = 0.01
"""Share of orders from which on repeated ones are an export read twice, and no coincidence."""
MIXED = 0.01
"""Share of instants at midnight from which on, with as many elsewhere, two ways of writing time are mixed."""


@dataclass(frozen=True)
class Rule:
    """One kind of finding: `what` names the rows or customers counted."""

    severity: Severity
    what: str
    why: str
    next_step: str


RULES: dict[str, Rule] = {
    "missing_needed_value": Rule(
        "error",
        "rows without a customer, an instant or a value",
        "they are in no customer's features, or in none of the sums",
        "make the lake by regulars ingest, which rejects such rows with their reason",
    ),
    "no_return_flag": Rule(
        "error",
        "rows that are neither order nor return: is_return is null",
        "features count neither, so these orders are lost",
        "make the lake by regulars ingest, which settles what a return is",
    ),
    "sign_against_flag": Rule(
        "error",
        "returns above zero, or orders below",
        "spend and returned value have the wrong sign",
        "make the lake by regulars ingest, which turns them round",
    ),
    "repeated_orders": Rule(
        "warning",
        "orders whose customer, instant and value repeat another's under another number",
        "the same sale counted twice makes customers look better than they are; an error from 1 % on",
        "look at the examples; export again, or leave the copies out by a rule in the map's where",
    ),
    "repeated_order_ids": Rule(
        "error",
        "order numbers that one customer has on more than one order",
        "each is counted as an order of its own",
        'ingest with grain = "line" if rows are order lines, else leave the copies out',
    ),
    "shared_order_ids": Rule(
        "warning",
        "order numbers that several customers share",
        "numbers start anew, or one customer has several ids and looks like several",
        "check how the export names customers; put shop or year into order_id if numbers start anew",
    ),
    "silent_days": Rule(
        "warning",
        "days without any order where the shop's own weekdays let 15 or more expect",
        "a hole in the export looks like customers who left, and they are learnt from",
        "export these days again; if the shop was closed, choose --as-of so that no label lies there",
    ),
    "stray_dates": Rule(
        "warning",
        "rows far outside of the rest in time: 60 silent days away, and less than 1 % of the table",
        "a wrong date moves the first or the last order, and with it what can be learnt",
        "correct them in the source, or leave them out by a rule in the map's where",
    ),
    "after_as_of": Rule(
        "note",
        "rows on whole days from --as-of on",
        "no feature sees them; they are the future that is to be foretold",
        "nothing, if --as-of is meant to lie in the past; else the dates are wrong",
    ),
    "returns_without_orders": Rule(
        "warning",
        "customers who gave back and never bought",
        "they have no features and no score, and their refunds are in no customer's value",
        "look whether the log begins too late, or refunds carry another customer id",
    ),
    "returns_before_orders": Rule(
        "note",
        "customers whose first return comes before their first order",
        "they bought before the log begins: tenure and first order are not their true ones",
        "bring more history, if there is any",
    ),
    "returned_more_than_bought": Rule(
        "note",
        "customers who gave back more than they bought",
        "their value is below zero, mostly because the log begins too late",
        "bring more history, or look whether refunds are written twice",
    ),
    "instant_refunds": Rule(
        "note",
        "orders given back in full at the very instant of the sale",
        "a corrected booking counts as an order that somebody wanted",
        "leave such pairs out, if they are corrections",
    ),
    "zero_value_orders": Rule(
        "note",
        "orders worth nothing",
        "samples and replacements count as orders: frequency and recency rise, value does not",
        "leave them out by a rule in the map's where, if nobody chose to buy",
    ),
    "outlier_amounts": Rule(
        "warning",
        f"orders worth more than {OUTLIER} times the 99th percentile",
        "cents taken for units, or a typing error; a few such orders decide every sum",
        "look at the examples; correct them, or leave them out",
    ),
    "one_customer_dominates": Rule(
        "warning",
        f"customers with more than {DOMINANT:.0%} of all revenue",
        "an error on them alone decides how good a forecast looks; often an id that stands for many, such as guests",
        "leave a collective id out by a rule in the map's where",
    ),
    "inhuman_orders": Rule(
        "warning",
        f"customers with {MOST_ORDERS} or more orders in one day",
        "a program, a reseller, or an id that stands for many; what is learnt from them fits nobody else",
        "leave them out by a rule in the map's where, unless they are customers to keep",
    ),
    "inhuman_events": Rule(
        "warning",
        f"customers with {MOST_EVENTS:,} or more events of their own in one day",
        "a program; its visits look like engagement",
        "leave them out by a rule in the map's where",
    ),
    "date_only": Rule(
        "note",
        "orders without a time of day: all are at midnight",
        "as_of at midnight splits days cleanly; two orders of a day can not be told apart in time",
        "nothing; name a time zone in the map only if midnight is meant in it",
    ),
    "mixed_time_precision": Rule(
        "warning",
        "orders at midnight sharp, among orders with a time of day",
        "part of the log has dates only: those orders lie up to a day before they happened",
        "export the time of day for all, or look whether broken times fell back to midnight",
    ),
    "constant_column": Rule(
        "note",
        "rows of a column that has one value throughout",
        "nothing can be learnt from it; often a default that was never filled",
        "leave the column out of the map, if it means nothing",
    ),
    "partly_missing": Rule(
        "warning",
        "rows without a value in a column that others fill",
        "sums such as the margin earned count what is missing as nothing",
        "fill the column for all rows, or leave it out of the map",
    ),
    "without_orders": Rule(
        "note",
        "customers without an order",
        "they have no features and no score: what they will do can not be told from orders",
        "nothing, if they signed up and never bought; else their orders carry another id",
    ),
    "not_in_customers": Rule(
        "warning",
        "customers who are missing from the table customers",
        "no sign-up, channel or cost is known of them; ids that do not match make this for many",
        "compare the examples with the ids in customers: prefix, case, leading zeros",
    ),
    "orders_before_sign_up": Rule(
        "note",
        "customers whose first order comes before their sign-up",
        "guests who signed up later; tenure counts from whichever came first",
        "nothing, if guests may order; else compare time zones of the two tables",
    ),
    "unread_kinds": Rule(
        "note",
        "events of a kind that features do not read",
        "they are kept in the lake and have no part in any score",
        "rename the kind in the map, if it is one of those that are read",
    ),
    "unknown_arms": Rule(
        "error",
        "treatments whose arm is neither treated nor control",
        "what an action brings is treated less control: such rows are in neither",
        "write treated or control in the map",
    ),
    "merging_ids": Rule(
        "warning",
        "ids that differ only in case, blanks, leading zeros or a .0",
        "one customer under several ids looks like several, each of them rarer and poorer",
        "say normalise in [customer_id] of the map if each pair is one customer, and ingest again",
    ),
    "placeholder_ids": Rule(
        "warning",
        "ids that are nobody's: a word for no customer, or three and more orders a day on 30 days",
        "the sum of all unknown buyers looks like the best customer, and gets a share of every plan",
        "leave them out by a rule in the map's where, as in customer_id not in ('guest'), and ingest again",
    ),
    "no_control": Rule(
        "warning",
        "treatments of actions that lack one of the two arms",
        "without a control arm nobody can say what an action brings",
        "keep a random part of the customers untreated, and bring them as control",
    ),
}


def found(  # noqa: PLR0913 - one plain fact each, given by name
    name: str,
    table: str,
    count: int,
    examples: Sequence[object] = (),
    *,
    of: int | None = None,
    what: str = "",
    severity: Severity | None = None,
) -> list[Finding]:
    """Return the finding when there is any: `count` of `of`; `what` goes behind the rule's own words."""
    rule = RULES[name]
    if not count:
        return []
    return [
        Finding(
            name=name,
            severity=severity or rule.severity,
            table=table,
            what=f"{rule.what}{what}",
            count=count,
            share=count / of if of else None,
            examples=[str(one) for one in dict.fromkeys(examples) if one is not None][:2],
            why=rule.why,
            next_step=rule.next_step,
        )
    ]
