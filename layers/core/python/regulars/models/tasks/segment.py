"""segment: which group of similar customers does a customer belong to?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.tasks.base import Prediction, Result

NAME = "segment"
SUMMARY = "The segment whose centre is nearest to each customer."

FARTHEST = 3.0
"""Standardised features are clipped to this many deviations from the mean."""


class Answer(Result):
    """The customer's segment."""

    segment_id: int = Field(ge=0, description="the segment keeps it when the models are trained again")
    segment: str = Field(description="the segment's name, from the profile of its customers")


def logged(table: FeatureTable, features: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the features, each by `deskewed`, NaN for null; shape (customers, features)."""
    return deskewed(np.stack([table.columns[name] for name in features], axis=1))


def deskewed(raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return sign(x) log(1 + |x|), which reduces skew; the same shape."""
    rows: npt.NDArray[np.float64] = np.sign(raw) * np.log1p(np.abs(raw))
    return rows


def scaled(table: FeatureTable, scaler: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Return the features as the centroids are scaled, `standardised`; shape (customers, features).

    Values are clipped at FARTHEST, so that a few extreme customers do not make a segment.
    """
    return standardised(logged(table, scaler["features"]), scaler)


def standardised(rows: npt.NDArray[np.float64], scaler: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Fill nulls of de-skewed rows with the learnt median, standardise and clip at FARTHEST; the same shape."""
    filled = np.where(np.isnan(rows), scaler["median"], rows)
    deviations: npt.NDArray[np.float64] = np.clip((filled - scaler["mean"]) / scaler["std"], -FARTHEST, FARTHEST)
    return deviations


def own_units(centroids: npt.NDArray[np.float64], scaler: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Return centroids in the features' units (days, orders, cents), comparable between scalers; the same shape."""
    rows = centroids * scaler["std"] + scaler["mean"]
    units: npt.NDArray[np.float64] = np.sign(rows) * np.expm1(np.abs(rows))
    return units


class Segment:
    """K-means at serving: a learnt scaler and centroids."""

    def __init__(
        self, scaler: dict[str, Any], centroids: npt.NDArray[np.float64], ids: Sequence[int], names: Sequence[str]
    ) -> None:
        self._scaler = scaler
        self._centroids = centroids
        self._ids = np.array(ids, dtype=np.int64)
        self._names = np.array(names, dtype=object)

    def predict(self, table: FeatureTable, reasons: int = 0) -> Prediction:  # noqa: ARG002 - a segment has no reasons
        """Answer for every customer of `table`."""
        rows = scaled(table, self._scaler)
        # One centroid at a time, so that a row's distance has the same bits alone as among many.
        distances = np.stack([((rows - centroid) ** 2).sum(axis=1) for centroid in self._centroids], axis=1)
        nearest = distances.argmin(axis=1)
        return Prediction({"segment_id": self._ids[nearest], "segment": self._names[nearest]})


def load(bundle: Bundle) -> Segment:
    """Open the model."""
    constants = bundle.json("segment/constants.json")
    centroids = bundle.array("segment/centroids.npy")
    return Segment(constants["scaler"], centroids, constants["ids"], constants["names"])
