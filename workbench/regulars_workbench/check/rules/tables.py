"""Rules about all tables: values, dates, customer ids, events and treatments."""

from regulars_workbench.check.rules.rule import Rule
from regulars_workbench.check.rules.thresholds import MOST_EVENTS

TABLE_RULES: dict[str, Rule] = {
    "missing_needed_value": Rule(
        "error",
        "rows without a customer, an instant or a value",
        "they are missing from features or sums",
        "make the lake with regulars ingest, which rejects such rows with the reason",
    ),
    "stray_dates": Rule(
        "warning",
        "rows far from the rest in time: 60 days without rows between, and less than 1 % of the table",
        "a wrong date moves the first or last order, and so the history for training",
        "correct them in the source, or exclude them with where in the map",
    ),
    "after_as_of": Rule(
        "note",
        "rows at or after the first midnight from --as-of on",
        "features do not use them; they are the future to predict",
        "nothing, if --as-of is meant to be in the past; else the dates are wrong",
    ),
    "inhuman_events": Rule(
        "warning",
        f"customers with {MOST_EVENTS:,} or more events of their own in one day",
        "they come from a program, and its visits look like engagement",
        "exclude them with where in the map",
    ),
    "constant_column": Rule(
        "note",
        "rows of a column with one value only",
        "models cannot learn from it; often it is a default that nobody filled",
        "remove the column from the map, unless it has a meaning",
    ),
    "partly_missing": Rule(
        "warning",
        "rows without a value in a column that has values in other rows",
        "sums, such as the margin, count a missing value as zero",
        "fill the column in all rows, or remove it from the map",
    ),
    "merging_ids": Rule(
        "warning",
        "ids that differ only in case, blanks, leading zeros or a .0",
        "one customer with several ids looks like several customers who buy less",
        "if each pair is one customer, set normalise in [customer_id] of the map and ingest again",
    ),
    "placeholder_ids": Rule(
        "warning",
        "ids that stand for no customer: a word such as guest, or three or more orders a day on 30 days",
        "all unknown buyers together look like the best customer, and get a share of every plan",
        "exclude them with where in the map, as in customer_id not in ('guest'), and ingest again",
    ),
    "without_orders": Rule(
        "note",
        "customers without an order",
        "they have no features and no score, because these are computed from orders",
        "nothing, if they signed up and never bought; else their orders have another id",
    ),
    "not_in_customers": Rule(
        "warning",
        "customers who are missing from the table customers",
        "their sign-up, channel and cost are unknown; many such customers mean that ids do not match",
        "compare the examples with the ids in customers: prefix, case, leading zeros",
    ),
    "orders_before_sign_up": Rule(
        "note",
        "customers whose first order is before their sign-up",
        "they may be guests who signed up later; tenure counts from the earlier of the two",
        "nothing, if guests may order; else compare the time zones of the two tables",
    ),
    "unread_kinds": Rule(
        "note",
        "events of a kind that features do not use",
        "they stay in the lake and do not affect scores",
        "rename the kind in the map if it is one that features use",
    ),
    "unknown_arms": Rule(
        "error",
        "treatments whose arm is neither treated nor control",
        "an effect is treated less control, and such rows are in neither",
        "write treated or control in the map",
    ),
    "no_control": Rule(
        "warning",
        "treatments of actions without one of the two arms",
        "without a control arm the effect of an action cannot be measured",
        "leave a random part of the customers untreated, and add them as control",
    ),
}
