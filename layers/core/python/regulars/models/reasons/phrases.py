"""The wording of each feature: one line a feature."""

from collections.abc import Mapping
from dataclasses import dataclass

DAYS, MONEY, PERCENT, NUMBER = "day", "money", "percent", "number"
"""Units, beside nouns that are counted; values of money are in minor units, of percent shares."""


@dataclass(frozen=True)
class Phrase:
    """The wording of a feature: `template` has {} for the amount, `unknown` is the text for null."""

    template: str
    unit: str
    unknown: str = ""


ONE_DAY = "has ordered on one day only"
NO_CONTACT = "no mail, visit or ticket known"

PHRASES: Mapping[str, Phrase] = {
    "tenure_days": Phrase("customer for {}", DAYS),
    "customer_age_days": Phrase("first order {} ago", DAYS),
    "last_repeat_days": Phrase("{} from the first order to the last", DAYS),
    "order_count": Phrase("{} in all", "order"),
    "repeat_days": Phrase("{} after the first order", "day of purchase"),
    "orders_30d": Phrase("{} in the last 30 days", "order"),
    "orders_90d": Phrase("{} in the last 90 days", "order"),
    "orders_180d": Phrase("{} in the last 180 days", "order"),
    "orders_365d": Phrase("{} in the last year", "order"),
    "orders_year_ago_90d": Phrase("{} in the 90 days from this date last year", "order"),
    "orders_year_ago_180d": Phrase("{} in the 180 days from this date last year", "order"),
    "spend_cents": Phrase("spent {} in all", MONEY),
    "spend_30d_cents": Phrase("spent {} in the last 30 days", MONEY),
    "spend_90d_cents": Phrase("spent {} in the last 90 days", MONEY),
    "spend_180d_cents": Phrase("spent {} in the last 180 days", MONEY),
    "spend_365d_cents": Phrase("spent {} in the last year", MONEY),
    "spend_year_ago_90d_cents": Phrase("spent {} in the 90 days from this date last year", MONEY),
    "spend_year_ago_180d_cents": Phrase("spent {} in the 180 days from this date last year", MONEY),
    "earned_cents": Phrase("brought {} so far, returns taken off", MONEY),
    "mean_order_cents": Phrase("{} an order on average", MONEY),
    "first_order_cents": Phrase("first order worth {}", MONEY),
    "mean_purchase_day_cents": Phrase("{} a day of purchase on average", MONEY),
    "purchase_velocity": Phrase("{} orders a month on average", NUMBER, "became a customer just now"),
    "gap_mean_days": Phrase("{} between orders on average", DAYS, ONE_DAY),
    "gap_std_days": Phrase("time between orders varies by {}", DAYS, ONE_DAY),
    "gap_max_days": Phrase("longest time between orders {}", DAYS, ONE_DAY),
    "return_count": Phrase("{} in all", "return"),
    "returned_share": Phrase("sent back {} of the value bought", PERCENT, "nothing bought"),
    "returns_per_order": Phrase("{} returns an order", NUMBER),
    "discount_share": Phrase("{} of the price taken off by discounts", PERCENT, "discounts not known"),
    "margin_share": Phrase("margin of {}", PERCENT, "margin not known"),
    "email_opens_30d": Phrase("{} opened in the last 30 days", "email", NO_CONTACT),
    "email_opens_90d": Phrase("{} opened in the last 90 days", "email", NO_CONTACT),
    "email_clicks_90d": Phrase("{} clicked in the last 90 days", "email", NO_CONTACT),
    "email_open_rate_90d": Phrase("opened {} of emails in the last 90 days", PERCENT, "no email known in 90 days"),
    "site_visits_30d": Phrase("{} in the last 30 days", "site visit", NO_CONTACT),
    "site_visits_90d": Phrase("{} in the last 90 days", "site visit", NO_CONTACT),
    "days_since_visit": Phrase("no site visit for {}", DAYS, "no site visit known"),
    "engagement_score": Phrase("engagement score {} of 100", NUMBER, NO_CONTACT),
    "support_tickets_90d": Phrase("{} in the last 90 days", "support ticket", NO_CONTACT),
    "support_tickets": Phrase("{} in all", "support ticket", NO_CONTACT),
    "support_unresolved": Phrase("{} not resolved", "support ticket", NO_CONTACT),
    "acquisition_cost_cents": Phrase("cost {} to acquire", MONEY, "cost of acquisition not known"),
    "ltv_to_cac": Phrase("brought {} times the cost of acquisition", NUMBER, "cost of acquisition not known"),
    "payback_days": Phrase(
        "earns its cost of acquisition back in {}", DAYS, "cost of acquisition not known or not earned"
    ),
    "process_alive": Phrase("{} likely to be still a customer", PERCENT),
    "process_orders": Phrase("{} orders to come", NUMBER),
    "process_no_order": Phrase("{} likely not to order again in time", PERCENT),
    "process_spend_cents": Phrase("{} an order to come", MONEY),
    "process_value_cents": Phrase("{} to come", MONEY),
}
