"""Unit, meaning and null rule of each column of the feature table, from the comments of the SQL.

A bundle holds its own copy of the SQL. So ready features in a request are checked by the rules of its models.
"""

import re
from dataclasses import dataclass
from math import isfinite

from regulars.data.sql import SqlFolder
from regulars.errors import BundleError

TABLE = "customer_features"
COLUMN = re.compile(
    r"^ +(?P<source>\w+)\.(?P<name>\w+),? -- (?P<unit>[^|\n]+) \| (?P<meaning>[^|\n]+) \| (?P<null>[^|\n]+)$",
    re.MULTILINE,
)
RANGE = re.compile(r"(-?\d+) to (-?\d+)")
COUNTED = {"orders", "days", "days of purchase", "events", "returns"}
"""Units that are never negative."""

LARGEST = 1e18
"""Larger values are typing errors."""


@dataclass(frozen=True)
class FeatureColumn:
    """One column of the feature table, from its comment; `source` is the SQL file that makes it."""

    source: str
    name: str
    unit: str
    meaning: str
    null: str

    @property
    def may_be_null(self) -> bool:
        """Whether a customer may have no value."""
        return self.null != "never"

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value that the unit allows."""
        limits = RANGE.fullmatch(self.unit)
        if limits:
            return float(limits[1]), float(limits[2])
        return (0.0 if self.unit in COUNTED else -LARGEST), LARGEST

    def fault(self, value: float | None) -> str | None:
        """Return what is wrong with a customer's value, or None; the text does not contain the value."""
        if value is None:
            return None if self.may_be_null else "null, which it never is"
        lowest, highest = self.bounds
        if isfinite(value) and lowest <= value <= highest:
            return None
        return f"not a number from {lowest:g} to {highest:g}"


def feature_columns(sql: SqlFolder) -> list[FeatureColumn]:
    """Return the columns of the feature table, in order; BundleError when one has no valid comment."""
    text = sql.relations[TABLE].text
    columns = [FeatureColumn(**match.groupdict()) for match in COLUMN.finditer(text)]
    missing = sorted(set(re.findall(r"^ {4}\w+\.(\w+)", text, re.MULTILINE)) - {column.name for column in columns})
    if missing:
        raise BundleError(f"{TABLE}.sql: {missing[0]} has no comment '-- unit | meaning | null when'")
    return columns
