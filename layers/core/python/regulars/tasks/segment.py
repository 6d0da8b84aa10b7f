"""segment: which kind of customer is this?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from regulars.bundle import Bundle
from regulars.features import FeatureTable
from regulars.tasks.base import Prediction, Result

NAME = "segment"
SUMMARY = "The segment whose centre is nearest to each customer."

FARTHEST = 3.0


class Answer(Result):
    """The customer's segment."""

    segment_id: int = Field(ge=0)
    segment: str = Field(description="the segment's name, from its measured profile")


def logged(table: FeatureTable, features: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the features with their skew taken out by a signed log1p, NaN for null; shape (customers, features)."""
    raw = np.stack([table.columns[name] for name in features], axis=1)
    rows: npt.NDArray[np.float64] = np.sign(raw) * np.log1p(np.abs(raw))
    return rows


def scaled(table: FeatureTable, scaler: dict[str, Any]) -> npt.NDArray[np.float64]:
    """De-skew, fill nulls with the learnt median, standardise; shape (customers, features).

    What lies further out than FARTHEST deviations is drawn in: a handful of free orders is not a segment.
    """
    rows = logged(table, scaler["features"])
    filled = np.where(np.isnan(rows), scaler["median"], rows)
    standardised: npt.NDArray[np.float64] = np.clip((filled - scaler["mean"]) / scaler["std"], -FARTHEST, FARTHEST)
    return standardised


class Segment:
    """K-means at serving: a scaler and centroids."""

    def __init__(self, bundle: Bundle) -> None:
        constants = bundle.json("segment/constants.json")
        self._scaler = constants["scaler"]
        self._names = np.array(constants["names"], dtype=object)
        self._centroids = bundle.array("segment/centroids.npy")

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:  # noqa: ARG002 - a distance has no reasons yet
        """Answer for every customer of `table`."""
        rows = scaled(table, self._scaler)
        # One centroid at a time: a row's distance is then the same bits alone as among many.
        distances = np.stack([((rows - centroid) ** 2).sum(axis=1) for centroid in self._centroids], axis=1)
        segment_id = distances.argmin(axis=1)
        return Prediction({"segment_id": segment_id, "segment": self._names[segment_id]})


def load(bundle: Bundle) -> Segment:
    """Open the model."""
    return Segment(bundle)
