"""The columns of an export, in the order in which a person needs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """What is the same for all rows: the currency ("" when unknown) with its decimals, and the horizon."""

    currency: str
    minor_units: int
    horizon_days: int


@dataclass(frozen=True)
class Column:
    """One column: its name for programs, its heading for people, and what kind of value it holds.

    Kinds: text, sentence, sentences (a list of reasons), address (e-mail), money, share (0 to 1), number, count, day,
    instant.
    """

    name: str
    heading: str
    kind: str
    width: int = 12
    """Width in a workbook, in characters."""

    def titled(self, facts: Facts) -> str:
        """Return the heading with its unit."""
        currency = f" ({facts.currency})" if facts.currency else ""
        return self.heading.format(days=facts.horizon_days, currency=currency)


COLUMNS = (
    Column("customer_id", "Customer", "text", 24),
    Column("email", "E-mail", "address", 28),
    Column("action", "Action", "text"),
    Column("channel", "Channel", "text"),
    Column("arm", "Group", "text"),
    Column("expected_profit", "Expected profit{currency}", "money", 16),
    Column("action_cost", "Cost{currency}", "money"),
    Column("predicted_value", "Expected value in {days} days{currency}", "money", 18),
    Column("churn_probability", "No order in {days} days (%)", "share", 16),
    Column("churn_risk", "Churn risk", "text", 10),
    Column("segment", "Segment", "text", 18),
    Column("action_reason", "Why this action", "sentence", 60),
    Column("clv_reasons", "Why this value", "sentences", 60),
    Column("churn_reasons", "Why this risk", "sentences", 60),
    Column("expected_profit_low", "Expected profit, low{currency}", "money", 16),
    Column("expected_profit_high", "Expected profit, high{currency}", "money", 16),
    Column("predicted_value_low", "Expected value, low{currency}", "money", 16),
    Column("predicted_value_high", "Expected value, high{currency}", "money", 16),
    Column("predicted_orders", "Expected orders in {days} days", "number", 14),
    Column("next_order_at", "Next order expected", "day", 14),
    Column("rfm_cell", "RFM", "count", 6),
    Column("as_of", "Scored as of", "instant", 12),
    Column("horizon_days", "Horizon (days)", "count", 10),
    Column("bundle", "Models", "text", 20),
)
TEXTS = ("text", "sentence", "sentences", "address")
"""Kinds whose values are text: a spreadsheet may take them for formulas."""
