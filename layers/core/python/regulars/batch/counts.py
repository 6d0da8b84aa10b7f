"""Counts in = scored + rejected, of rows and of customers: checked on what was written, not on what was meant."""

from dataclasses import asdict, dataclass, field
from typing import Any

from regulars.errors import RegularsError


class CountMismatchError(RegularsError):
    """What was read is not what was scored and rejected together: a fault of ours, so nothing is published."""


@dataclass(frozen=True)
class Counts:
    """What became of an input's rows and customers."""

    rows_read: int
    rows_kept: int
    rows_rejected: int
    customers_read: int
    """Customers with a row that was kept: of orders, customers or events."""
    customers_scored: int
    customers_rejected: int
    """Those without a score: no order before `as_of`."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Rows and customers by reason."""
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as a manifest has them."""
        return asdict(self)

    def __add__(self, other: "Counts") -> "Counts":
        """Add up the counts of two parts of an input."""
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
            [*self.warnings, *(each for each in other.warnings if each not in self.warnings)],
        )

    def check(self, part_rows: int, reject_lines: int) -> None:
        """Raise CountMismatchError unless the counts agree with each other and with the files' own numbers of rows."""
        for what, left, right in (
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
                    f"counts do not add up: {what}: {left:,} is not {right:,}; nothing was published"
                )

    def _reasons(self) -> int:
        return sum(self.rejected.values())
