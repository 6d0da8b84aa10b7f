"""What all tasks share: the form of their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.reasons import Reasons


class Result(BaseModel):
    """One customer's answer; each task adds fields."""

    model_config = ConfigDict(extra="forbid")

    customer_id: str = Field(description="as in the request", examples=["C1"])


@dataclass(frozen=True)
class Prediction:
    """A task's answers for n customers: an array of n values per result field, and the reasons."""

    columns: Mapping[str, npt.NDArray[Any]]
    reasons: Reasons | None = None


class Predictor(Protocol):
    """An opened model."""

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:
        """Answer for every customer of `table`, each with `reasons` reasons."""


class Task(Protocol):
    """A module of `regulars.models.tasks`: one question that the system answers."""

    NAME: str
    SUMMARY: str
    Answer: type[Result]

    def load(self, bundle: Bundle) -> Predictor:
        """Open the task's model."""
