"""Parameters of a world, by kind of shop: the choices of `regulars simulate --shop`."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Weights: TypeAlias = tuple[float, ...]


class Gamma(NamedTuple):
    """A gamma law over customers: its shape, and its mean per year."""

    shape: float
    mean: float


class Channel(NamedTuple):
    """An acquisition channel: share of sign-ups, mean cost in minor units, and quality (1 is average)."""

    share: float
    cost: int
    quality: float


CHANNELS = {
    "paid_search": Channel(0.30, 2_800, 0.95),
    "social": Channel(0.24, 1_900, 0.70),
    "referral": Channel(0.12, 1_200, 1.50),
    "email": Channel(0.10, 600, 1.15),
    "organic": Channel(0.24, 0, 1.20),
}
"""Customers of a good channel buy more often and stay longer: rate times quality, hazard divided by quality."""

TRAITS = ("engagement", "rate", "hazard", "spend", "trouble", "price_sensitivity", "patience")
CORRELATION: tuple[Weights, ...] = (
    # engagement rate   hazard spend  trouble price  patience
    (1.00, 0.35, -0.55, 0.10, -0.10, 0.10, 0.15),  # engagement: opens, clicks, visits
    (0.35, 1.00, -0.25, 0.05, 0.00, 0.00, 0.00),  # rate: orders a year while a customer
    (-0.55, -0.25, 1.00, -0.10, 0.35, 0.10, -0.30),  # hazard: of leaving for good, a year
    (0.10, 0.05, -0.10, 1.00, 0.00, -0.30, 0.00),  # spend: level of an order's value
    (-0.10, 0.00, 0.35, 0.00, 1.00, 0.00, -0.40),  # trouble: support tickets a year
    (0.10, 0.00, 0.10, -0.30, 0.00, 1.00, 0.00),  # price sensitivity: buys at a discount, moved by a voucher
    (0.15, 0.00, -0.30, 0.00, -0.40, 0.00, 1.00),  # patience: the least patient leave when they are contacted
)
"""Correlations of the traits' normal scores: engaged customers stay, customers with tickets leave."""

GIFTS: Weights = (0.93, 0.84, 0.90, 0.93, 0.95, 0.90, 0.85, 0.84, 0.95, 1.02, 1.50, 1.55)
FASHION: Weights = (0.80, 0.75, 1.05, 1.15, 1.10, 0.95, 0.80, 0.75, 1.15, 1.15, 1.25, 1.30)
STEADY: Weights = (1.06, 1.00, 1.00, 0.99, 0.99, 0.97, 0.94, 0.94, 1.01, 1.02, 1.03, 1.05)


@dataclass(frozen=True)
class Shop:
    """Parameters of a shop's customers; the defaults are the grocer's. Rates and counts are per year."""

    rate: Gamma = Gamma(1.1, 21.0)  # noqa: RUF009 - a NamedTuple cannot change
    hazard: Gamma = Gamma(1.0, 1.0)  # noqa: RUF009 - the same
    trouble: Gamma = Gamma(0.8, 0.5)  # noqa: RUF009 - the same
    regularity: int = 1
    """Erlang shape of the time between orders: 1 is a Poisson process; larger is more regular."""
    top_share: float = 0.80
    """Share of revenue of the best fifth of the buyers. It determines the tail index of the spend levels."""
    spend_floor: float = 1_800.0
    spend_cap: float = 120.0
    """Lowest level of an order in minor units, and the highest as a multiple of the lowest."""
    value_spread: float = 0.45
    """Standard deviation of the logarithm of a customer's order values."""
    first_order: float = 0.85
    """Share of sign-ups with an order about a day later. The others may order later, or never."""
    discounted: float = 0.22
    """Mean share of orders with a discount. A customer's share is twice that times the price sensitivity."""
    discount: tuple[float, float] = (0.05, 0.25)
    margin: tuple[float, float] = (0.28, 0.52)
    """Ranges of the discount, and of the margin before discount, as shares of the list value."""
    extra_items: float = 0.8
    returned: float = 0.04
    return_days: float = 10.0
    """Mean extra items of an order; share of orders that are returned, and mean days until then."""
    emails: float = 4.5
    visits: float = 4.5
    visit_before: float = 0.10
    """Emails to each customer; visits at full engagement and interest; share of orders with a visit before."""
    fade_days: float = 45.0
    fade_spread: float = 0.6
    """Days over which interest fades before a customer leaves: median, and standard deviation of the logarithm."""
    growth: float = 0.25
    """Sign-ups grow by the factor exp(growth) a year."""
    months: Weights = GIFTS
    """Demand by month, January first."""
    weekdays: Weights = (1.05, 0.98, 0.96, 0.97, 1.02, 0.92, 1.10)
    """Demand by day, Monday first."""
    holidays: float = 1.0
    """Strength of peaks and closed days around holidays; 0 is none."""
    channels: tuple[tuple[str, Channel], ...] = tuple(CHANNELS.items())
    correlation: tuple[Weights, ...] = CORRELATION


SHOPS = {
    "grocery": Shop(),
    "fashion": Shop(
        rate=Gamma(0.9, 5.0),
        hazard=Gamma(1.2, 0.7),
        spend_floor=3_500.0,
        value_spread=0.6,
        discounted=0.35,
        discount=(0.10, 0.25),
        margin=(0.40, 0.60),
        extra_items=1.2,
        returned=0.22,
        return_days=14.0,
        emails=12.0,
        visits=8.0,
        visit_before=0.35,
        months=FASHION,
        holidays=1.5,
    ),
    "subscription-like": Shop(
        rate=Gamma(6.0, 12.0),
        hazard=Gamma(1.5, 0.6),
        regularity=4,
        top_share=0.65,
        spend_floor=1_500.0,
        value_spread=0.15,
        first_order=0.95,
        discounted=0.10,
        returned=0.02,
        emails=6.0,
        visits=3.0,
        months=STEADY,
        holidays=0.2,
    ),
}
