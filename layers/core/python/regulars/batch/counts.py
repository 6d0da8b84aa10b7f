"""Counts of rows and customers, which must add up: read = scored + rejected, compared with the files written."""

from dataclasses import asdict, dataclass, field
from typing import Any

from regulars.errors import RegularsError


class CountMismatchError(RegularsError):
    """Rows or customers are missing from the result: a defect of this program, so nothing is published."""


@dataclass(frozen=True)
class Counts:
    """How many rows and customers of an input were read, scored and rejected."""

    rows_read: int
    rows_kept: int
    rows_rejected: int
    customers_read: int
    """Customers with at least one kept row of orders, customers or events."""
    customers_scored: int
    customers_rejected: int
    """Customers without a score: they have no order before `as_of`."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Number of rejected rows and customers by reason."""
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as a manifest holds them."""
        return asdict(self)

    def __add__(self, other: "Counts") -> "Counts":
        """Add the counts of two parts of an input."""
        reasons = {
            key: self.rejected.get(key, 0) + other.rejected.get(key, 0) for key in {**self.rejected, **other.rejected}
        }
        return Counts(
            self.rows_read + other.rows_read,
            self.rows_kept + other.rows_kept,
            self.rows_rejected + other.rows_rejected,
            self.customers_read + other.customers_read,
            self.customers_scored + other.customers_scored,
            self.customers_rejected + other.customers_rejected,
            dict(sorted(reasons.items())),
            [*self.warnings, *(warning for warning in other.warnings if warning not in self.warnings)],
        )

    def check(self, part_rows: int, reject_lines: int) -> None:
        """Raise CountMismatchError unless the counts agree with each other and with the rows in the files."""
        for equation, left, right in (
            ("rows read = kept + rejected", self.rows_read, self.rows_kept + self.rows_rejected),
            (
                "customers read = scored + rejected",
                self.customers_read,
                self.customers_scored + self.customers_rejected,
            ),
            ("rows of part.parquet = customers scored", part_rows, self.customers_scored),
            (
                "rows of rejects.parquet = rows and customers rejected",
                reject_lines,
                self.rows_rejected + self.customers_rejected,
            ),
            ("rejected = the sum of its reasons", self.rows_rejected + self.customers_rejected, self._reasons()),
        ):
            if left != right:
                raise CountMismatchError(
                    f"counts do not add up: {equation}: {left:,} is not {right:,}; nothing was published"
                )

    def _reasons(self) -> int:
        return sum(self.rejected.values())
