"""What each column of the feature table is: unit, meaning, and when it is null, from the comments of the SQL itself.

A bundle's frozen SQL carries them along, so a request's ready features are checked by what made the models' own.
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
"""Units that do not go below zero."""

LARGEST = 1e18
"""Beyond it a value is a typing error."""


@dataclass(frozen=True)
class FeatureColumn:
    """One column of the feature table, as its comment tells it; `source` is the file that makes it."""

    source: str
    name: str
    unit: str
    meaning: str
    null: str

    @property
    def may_be_null(self) -> bool:
        """Say whether some customers have no value."""
        return self.null != "never"

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the smallest and the largest value that the unit allows."""
        said = RANGE.fullmatch(self.unit)
        if said:
            return float(said[1]), float(said[2])
        return (0.0 if self.unit in COUNTED else -LARGEST), LARGEST

    def fault(self, value: float | None) -> str | None:
        """Say what is wrong with a customer's value, if anything; the value itself is not repeated."""
        if value is None:
            return None if self.may_be_null else "null, which it never is"
        lowest, highest = self.bounds
        if isfinite(value) and lowest <= value <= highest:
            return None
        return f"not a number from {lowest:g} to {highest:g}"


def feature_columns(sql: SqlFolder) -> list[FeatureColumn]:
    """Return every column of the feature table, in order; BundleError when one has no comment of the right form."""
    text = sql.relations[TABLE].text
    found = [FeatureColumn(**match.groupdict()) for match in COLUMN.finditer(text)]
    missing = sorted(set(re.findall(r"^ {4}\w+\.(\w+)", text, re.MULTILINE)) - {column.name for column in found})
    if missing:
        raise BundleError(f"{TABLE}.sql: {missing[0]} has no comment '-- unit | meaning | null when'")
    return found
