"""A feature's value as an analyst would say it: "no order for 120 days, usually every 30"."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

NONE = 0.5
"""Counts and days below it round to nothing."""

DAYS, MONEY, PERCENT, NUMBER = "day", "money", "percent", "number"
"""Units beside nouns that are counted; money comes in minor units, a percentage as a share."""


@dataclass(frozen=True)
class Phrase:
    """How a feature is said: `said` holds {} for the amount, `unknown` is said of a null."""

    said: str
    unit: str
    unknown: str = ""


_ONE_DAY = "has ordered on one day only"
_NO_CONTACT = "no mail, visit or ticket known"

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
    "gap_mean_days": Phrase("{} between orders on average", DAYS, _ONE_DAY),
    "gap_std_days": Phrase("time between orders varies by {}", DAYS, _ONE_DAY),
    "gap_max_days": Phrase("longest time between orders {}", DAYS, _ONE_DAY),
    "return_count": Phrase("{} in all", "return"),
    "returned_share": Phrase("sent back {} of the value bought", PERCENT, "nothing bought"),
    "returns_per_order": Phrase("{} returns an order", NUMBER),
    "discount_share": Phrase("{} of the price taken off by discounts", PERCENT, "discounts not known"),
    "margin_share": Phrase("margin of {}", PERCENT, "margin not known"),
    "email_opens_30d": Phrase("{} opened in the last 30 days", "email", _NO_CONTACT),
    "email_opens_90d": Phrase("{} opened in the last 90 days", "email", _NO_CONTACT),
    "email_clicks_90d": Phrase("{} clicked in the last 90 days", "email", _NO_CONTACT),
    "email_open_rate_90d": Phrase("opened {} of emails in the last 90 days", PERCENT, "no email known in 90 days"),
    "site_visits_30d": Phrase("{} in the last 30 days", "site visit", _NO_CONTACT),
    "site_visits_90d": Phrase("{} in the last 90 days", "site visit", _NO_CONTACT),
    "days_since_visit": Phrase("no site visit for {}", DAYS, "no site visit known"),
    "engagement_score": Phrase("engagement score {} of 100", NUMBER, _NO_CONTACT),
    "support_tickets_90d": Phrase("{} in the last 90 days", "support ticket", _NO_CONTACT),
    "support_tickets": Phrase("{} in all", "support ticket", _NO_CONTACT),
    "support_unresolved": Phrase("{} not resolved", "support ticket", _NO_CONTACT),
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


@dataclass(frozen=True)
class Narrator:
    """Says values of features; `typical` are the medians of all customers that training saw, without nulls."""

    typical: Mapping[str, float]
    minor_units: int

    def text(self, feature: str, value: float, usual_days: float) -> str:
        """Say one feature's value; `usual_days` is the customer's mean gap between orders, NaN when not known."""
        if feature == "overdue_ratio" and isnan(value):
            return _ONE_DAY
        if feature in ("recency_days", "overdue_ratio"):
            return self._recency(value if feature == "recency_days" else value * usual_days, usual_days)
        if feature in ("orders_trend_90d", "spend_trend_90d"):
            return _trend(feature.partition("_")[0], value)
        phrase = PHRASES.get(feature) or Phrase(feature.replace("_", " ") + " {}", NUMBER)
        if isnan(value):
            return phrase.unknown or f"{feature.replace('_', ' ')} not known"
        return phrase.said.format(self._amount(value, phrase.unit)) + self._beside(feature, value, phrase.unit)

    def history(self, orders: float, days: float, usual_days: float) -> str:
        """Say what a forecast from past orders goes by: how many they were, how long ago the last, and the rhythm."""
        return f"{self._amount(orders, 'order')} so far, {self._recency(days, usual_days)}"

    def _recency(self, days: float, usual_days: float) -> str:
        """Say how long ago the last order was, beside the customer's own rhythm or else that of all."""
        if isnan(usual_days):
            late, beside = days >= self.typical.get("recency_days", 0.0), self._beside("recency_days", days, DAYS)
        else:
            late, beside = days >= usual_days, f", usually every {self._bare(max(usual_days, 1.0), DAYS)}"
        ago = self._amount(days, DAYS)
        return (f"no order for {ago}" if late else f"last order {ago} ago") + beside

    def _beside(self, feature: str, value: float, unit: str) -> str:
        typical = self.typical.get(feature)
        if typical is None:
            return ""
        shown = self._bare(typical, unit)
        return ", like the typical customer" if shown == self._bare(value, unit) else f", typical customer {shown}"

    def _amount(self, value: float, unit: str) -> str:
        """Say a value with its unit."""
        bare = self._bare(value, unit)
        if unit == MONEY:
            return "nothing" if value == 0 else bare
        if unit in (PERCENT, NUMBER):
            return bare
        if unit == DAYS:
            return "less than a day" if value < NONE else "1 day" if bare == "1" else f"{bare} days"
        if value < NONE:
            return f"no {unit}"
        head, space, tail = unit.partition(" of ")
        return f"1 {unit}" if bare == "1" else f"{bare} {head}s{space}{tail}"

    def _bare(self, value: float, unit: str) -> str:
        """Say a value without its unit: money in major units, whole from ten on."""
        if unit == PERCENT:
            return f"{100 * value:.0f} %"
        if unit == MONEY:
            value /= 10**self.minor_units
            return f"{value:,.{self.minor_units}f}" if 0 < abs(value) < 10 else f"{value:,.0f}"  # noqa: PLR2004 - pennies count below ten
        if unit == NUMBER and abs(value) < 10:  # noqa: PLR2004 - and so do tenths
            return f"{value:.1f}".removesuffix(".0")
        return f"{value:,.0f}"


def _trend(what: str, value: float) -> str:
    """Say a trend, (last 90 days - 90 before) / both, from -1 to 1."""
    if isnan(value):
        return "no order in the last 180 days"
    if value == 1:
        return f"all {what} of the last 180 days in the last 90"
    if value == -1:
        return f"no {what} in the last 90 days, some in the 90 before"
    if round(100 * abs(value)) == 0:
        return f"{what} as in the 90 days before"
    change = 2 * value / (1 - value)  # against the 90 days before
    return f"{what} {'up' if value > 0 else 'down'} {100 * abs(change):,.0f} % on the 90 days before"
