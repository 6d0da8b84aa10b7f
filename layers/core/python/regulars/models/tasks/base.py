"""What every task has in common: how it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.reasons import Reasons


class Result(BaseModel):
    """One customer's answer; each task adds its fields."""

    model_config = ConfigDict(extra="forbid")

    customer_id: str = Field(description="as it was asked", examples=["C1"])


@dataclass(frozen=True)
class Prediction:
    """A task's answers for n customers: one array of n values per result field, and each customer's reasons."""

    columns: Mapping[str, npt.NDArray[Any]]
    reasons: Reasons | None = None


class Predictor(Protocol):
    """An opened model."""

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`, with that many reasons each."""


class Task(Protocol):
    """A module of `regulars.models.tasks`: a question that the system can answer."""

    NAME: str
    SUMMARY: str
    Answer: type[Result]

    def load(self, bundle: Bundle) -> Predictor:
        """Open the task's model."""
