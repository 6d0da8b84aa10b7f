"""A feature's value as an analyst would say it: "no order for 120 days, usually every 30"."""

from collections.abc import Callable, Mapping
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


Teller = Callable[[float, float], str]
"""Says a value; also given the customer's mean gap between orders in days. NaN stands for what is not known."""

Bare = Callable[[float], str]
"""Says a known value without its unit."""


class Narrator:
    """Says values of features; `typical` are the medians of all customers that training saw, without nulls.

    What is the same for all customers is looked up once a feature, since a batch says millions of values.
    """

    def __init__(self, typical: Mapping[str, float], minor_units: int) -> None:
        self._typical = typical
        self._bares: dict[str, Bare] = {PERCENT: _percent, NUMBER: _number, MONEY: _money(minor_units)}
        self._tellers: dict[str, Teller] = {}
        days = typical.get("recency_days")
        self._late_from = days if days is not None else 0.0
        self._beside_days = self._beside("recency_days", DAYS)

    def text(self, feature: str, value: float, usual_days: float) -> str:
        """Say one feature's value; `usual_days` is the customer's mean gap between orders, NaN when not known."""
        return self.teller(feature)(value, usual_days)

    def teller(self, feature: str) -> Teller:
        """Return what says one feature's values."""
        if feature not in self._tellers:
            self._tellers[feature] = self._made(feature)
        return self._tellers[feature]

    def history(self, orders: float, days: float, usual_days: float) -> str:
        """Say what a forecast from past orders goes by: how many they were, how long ago the last, and the rhythm."""
        return f"{_counted('order', orders, _whole(orders))} so far, {self._recency(days, usual_days)}"

    def _made(self, feature: str) -> Teller:
        if feature == "recency_days":
            return self._recency
        if feature == "overdue_ratio":
            recency = self._recency
            return lambda value, usual: _ONE_DAY if isnan(value) else recency(value * usual, usual)
        if feature in ("orders_trend_90d", "spend_trend_90d"):
            what = feature.partition("_")[0]
            return lambda value, _: _trend(what, value)
        return self._plain(feature, PHRASES.get(feature) or Phrase(feature.replace("_", " ") + " {}", NUMBER))

    def _plain(self, feature: str, phrase: Phrase) -> Teller:
        unit, bare, beside = phrase.unit, self._bare(phrase.unit), self._beside(feature, phrase.unit)
        unknown = phrase.unknown or f"{feature.replace('_', ' ')} not known"
        before, _, after = phrase.said.partition("{}")

        def tell(value: float, _: float) -> str:
            if isnan(value):
                return unknown
            shown = bare(value)
            return before + _amount(unit, value, shown) + after + beside(shown)

        return tell

    def _recency(self, days: float, usual_days: float) -> str:
        """Say how long ago the last order was, beside the customer's own rhythm or else that of all."""
        shown = _whole(days)
        if isnan(usual_days):
            late, beside = days >= self._late_from, self._beside_days(shown)
        else:
            late, beside = days >= usual_days, f", usually every {_whole(max(usual_days, 1.0))}"
        ago = _amount(DAYS, days, shown)
        return (f"no order for {ago}" if late else f"last order {ago} ago") + beside

    def _beside(self, feature: str, unit: str) -> Callable[[str], str]:
        """Return what says the typical customer's value beside a shown one."""
        typical = self._typical.get(feature)
        if typical is None:
            return lambda _: ""
        usual = self._bare(unit)(typical)
        other = f", typical customer {usual}"
        return lambda shown: ", like the typical customer" if shown == usual else other

    def _bare(self, unit: str) -> Bare:
        return self._bares.get(unit, _whole)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _number(value: float) -> str:
    """Say tenths below ten."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) < 10 else _whole(value)  # noqa: PLR2004 - ten is said here


def _money(minor_units: int) -> Bare:
    """Return what says minor units in major ones, whole from ten on: pennies count below."""
    minor = 10**minor_units

    def say(value: float) -> str:
        major = value / minor
        return f"{major:,.{minor_units}f}" if 0 < abs(major) < 10 else f"{major:,.0f}"  # noqa: PLR2004 - ten is said here

    return say


def _amount(unit: str, value: float, shown: str) -> str:
    """Say a shown value with its unit."""
    if unit == MONEY:
        return "nothing" if value == 0 else shown
    if unit in (PERCENT, NUMBER):
        return shown
    if unit == DAYS:
        return "less than a day" if value < NONE else "1 day" if shown == "1" else f"{shown} days"
    return _counted(unit, value, shown)


def _counted(unit: str, value: float, shown: str) -> str:
    """Say how many of a noun."""
    if value < NONE:
        return f"no {unit}"
    head, space, tail = unit.partition(" of ")
    return f"1 {unit}" if shown == "1" else f"{shown} {head}s{space}{tail}"


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
