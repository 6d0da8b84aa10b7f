"""Rules about orders and returns, and about the customers who made them."""

from regulars_workbench.check.rules.rule import Rule
from regulars_workbench.check.rules.thresholds import DOMINANT, MOST_ORDERS, OUTLIER

ORDER_RULES: dict[str, Rule] = {
    "no_return_flag": Rule(
        "error",
        "rows that are neither order nor return: is_return is null",
        "features count neither, so these orders are lost",
        "make the lake with regulars ingest, which sets is_return",
    ),
    "sign_against_flag": Rule(
        "error",
        "returns above zero, or orders below zero",
        "spend and returned value have the wrong sign",
        "make the lake with regulars ingest, which corrects the sign",
    ),
    "repeated_orders": Rule(
        "warning",
        "orders with the customer, instant and value of another order, under another number",
        "a sale that is counted twice makes customers look better than they are; from 1 % on this is an error",
        "look at the examples; export again, or exclude the copies with where in the map",
    ),
    "repeated_order_ids": Rule(
        "error",
        "order numbers that one customer has on more than one order",
        "each row is counted as an order",
        'ingest with grain = "line" if rows are order lines; else exclude the copies',
    ),
    "shared_order_ids": Rule(
        "warning",
        "order numbers of several customers",
        "numbers restart, or one customer has several ids and looks like several",
        "check how the export names customers; if numbers restart, put shop or year into order_id",
    ),
    "silent_days": Rule(
        "warning",
        "days without an order on which 15 or more were expected, by the shop's own weekdays",
        "models learn a gap in the export as customers who left",
        "export these days again; if the shop was closed, choose --as-of so that no label covers them",
    ),
    "returns_without_orders": Rule(
        "warning",
        "customers with returns and without orders",
        "they have no features and no score, and their refunds reduce no customer's value",
        "check whether the log begins too late, or refunds have another customer id",
    ),
    "returns_before_orders": Rule(
        "note",
        "customers whose first return is before their first order",
        "they bought before the log begins, so their tenure and first order are wrong",
        "add older orders, if you have them",
    ),
    "returned_more_than_bought": Rule(
        "note",
        "customers who returned more than they bought",
        "their value is below zero, mostly because the log begins too late",
        "add older orders, or check whether refunds are recorded twice",
    ),
    "instant_refunds": Rule(
        "note",
        "orders returned in full at the instant of the sale",
        "a corrected booking is counted as a real order",
        "exclude such pairs if they are corrections",
    ),
    "zero_value_orders": Rule(
        "note",
        "orders with a value of zero",
        "samples and replacements count as orders: they raise frequency and recency, not value",
        "exclude them with where in the map, unless customers chose to buy them",
    ),
    "outlier_amounts": Rule(
        "warning",
        f"orders above {OUTLIER} times the 99th percentile",
        "cents were read as units, or an amount was mistyped; a few such orders dominate every sum",
        "look at the examples; correct or exclude them",
    ),
    "one_customer_dominates": Rule(
        "warning",
        f"customers with more than {DOMINANT:.0%} of all revenue",
        "an error on this customer decides how good a forecast looks; often the id stands for many, such as guests",
        "exclude an id that stands for many customers with where in the map",
    ),
    "inhuman_orders": Rule(
        "warning",
        f"customers with {MOST_ORDERS} or more orders in one day",
        "a program, a reseller, or an id for many customers; models learn a pattern that fits nobody else",
        "exclude them with where in the map, unless they are customers to keep",
    ),
    "date_only": Rule(
        "note",
        "orders without a time of day: all are at midnight",
        "as_of at midnight separates days correctly; two orders of one day have no order in time",
        "nothing; set a time zone in the map only if these instants are midnight there",
    ),
    "mixed_time_precision": Rule(
        "warning",
        "orders exactly at midnight, among orders with a time of day",
        "part of the log has dates only: these orders are up to a day too early",
        "export the time of day of all orders, or check whether broken times became midnight",
    ),
}
