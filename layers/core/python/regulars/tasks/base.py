"""What every task has in common: how it answers, and how it gives reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from regulars.bundle import Bundle
from regulars.features import FeatureTable


class Reason(BaseModel):
    """One feature's part in a score."""

    feature: str
    value: float | None = Field(description="the customer's value of it; null when not known")
    effect: float = Field(description="what it adds to the answer, in the answer's unit")


class Result(BaseModel):
    """One customer's answer; each task adds its fields."""

    model_config = ConfigDict(extra="forbid")

    customer_id: str


@dataclass(frozen=True)
class Prediction:
    """A task's answers for n customers: one array of n values per result field, and each customer's reasons."""

    columns: Mapping[str, npt.NDArray[Any]]
    reasons: Sequence[Sequence[Reason]] = field(default_factory=list)


class Predictor(Protocol):
    """An opened model."""

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`, with that many reasons each."""


class Task(Protocol):
    """A module of `regulars.tasks`: a question that the system can answer."""

    NAME: str
    SUMMARY: str
    Answer: type[Result]

    def load(self, bundle: Bundle) -> Predictor:
        """Open the task's model."""


def top_reasons(
    table: FeatureTable, names: Sequence[str], effects: npt.NDArray[np.float64], count: int
) -> list[list[Reason]]:
    """Return each customer's `count` features with the largest effects, largest first.

    `effects` has shape (customers, names).
    """
    if not count:
        return []
    order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :count]
    return [
        [_reason(table, row, names[column], float(effects[row, column])) for column in columns]
        for row, columns in enumerate(order)
    ]


def _reason(table: FeatureTable, row: int, name: str, effect: float) -> Reason:
    value = float(table.columns[name][row])
    return Reason(feature=name, value=None if np.isnan(value) else round(value, 6), effect=round(effect, 6))
