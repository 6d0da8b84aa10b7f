"""A segment stays the same one when models are trained again: new centres are matched with the last bundle's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from regulars.arrays import FloatArray
from regulars.errors import BundleError
from regulars.features.table import FeatureTable
from regulars.models.bundle import MANIFEST, Bundle
from regulars.models.tasks import segment as task


@dataclass(frozen=True)
class LastSegments:
    """The segments of the last bundle.

    `centres`, shape (segments, features), are in the features' own units, and so is `mean`, the average customer of
    their day, de-skewed.
    """

    bundle: str
    model: task.Segment
    features: list[str]
    centres: FloatArray
    mean: FloatArray
    ids: list[int]
    names: list[str]
    next_id: int

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """Open the segments of a bundle; BundleError when it cannot be trusted, or its segments have no ids yet."""
        constants = bundle.json("segment/constants.json")
        if "ids" not in constants:
            raise BundleError(f"bundle {bundle.manifest.bundle} is of an older version: its segments have no ids")
        return cls.of(bundle.manifest.bundle, bundle.array("segment/centroids.npy"), constants)

    @classmethod
    def of(cls, bundle: str, centroids: FloatArray, constants: dict[str, Any]) -> Self:
        """Take a bundle's segments from its centroids and constants."""
        scaler = constants["scaler"]
        return cls(
            bundle=bundle,
            model=task.Segment(scaler, centroids, constants["ids"], constants["names"]),
            features=scaler["features"],
            centres=task.own_units(centroids, scaler),
            mean=np.array(scaler["mean"]),
            ids=constants["ids"],
            names=constants["names"],
            next_id=constants["next_id"],
        )

    def on_scale(self, scaler: dict[str, Any], fresh: FloatArray) -> FloatArray | None:
        """Return the centres as `scaler` sees them; None when it looks at other features.

        They stand where they were, or moved along with the average customer, whichever is nearer to the `fresh`
        centres of today: a shop's first customers all grow older together, and a growing shop's average does not.
        """
        if self.features != scaler["features"]:
            return None
        there = task.deskewed(self.centres)
        along = there + (np.array(scaler["mean"]) - self.mean)
        seen: list[FloatArray] = [(rows - scaler["mean"]) / scaler["std"] for rows in (there, along)]
        return min(seen, key=lambda rows: _cost(_distance(fresh, rows)))


def _distance(one: FloatArray, other: FloatArray) -> FloatArray:
    distance: FloatArray = np.linalg.norm(one[:, None, :] - other[None], axis=2)
    return distance


def _cost(distance: FloatArray) -> float:
    """Return the least sum of squared distances over pairs."""
    return float((distance**2)[linear_sum_assignment(distance**2)].sum())


def last_segments(folder: Path) -> tuple[LastSegments | None, list[str]]:
    """Return the segments of the bundle in `folder`, where one lies there, and what to warn of.

    A bundle that cannot be read is replaced like any other; its segments are then forgotten, and that is said.
    """
    if not (folder / MANIFEST).exists():
        return None, []
    try:
        return LastSegments.read(Bundle(folder)), []
    except BundleError as error:
        return None, [f"segments are numbered anew, the last ones cannot be read: {error}"]


def match(new: FloatArray, old: FloatArray) -> dict[int, int]:
    """Pair new centres with old ones, shape (segments, features) each and on one scale: new place to old place.

    The pairs have the least sum of squared distances (Kuhn 1955, the Hungarian method). A pair is let go where the old
    centre has moved farther than its nearest neighbour was: that is another segment.
    """
    distance, between = _distance(new, old), _distance(old, old)
    np.fill_diagonal(between, np.inf)
    pairs = zip(*linear_sum_assignment(distance**2), strict=True)
    return {int(mine): int(theirs) for mine, theirs in pairs if distance[mine, theirs] <= between[theirs].min()}


def migration(last: LastSegments, table: FeatureTable, now: task.Segment, ids: list[int]) -> dict[str, Any]:
    """Count customers by the segment that the last bundle puts them in and the one that they are in now.

    `from` and `to` are segment ids, `customers` has a row for each `from` and a column for each `to`; `kept_share` is
    the share of customers whose segment is the same under both.
    """
    was, is_now = (model.predict(table).columns["segment_id"] for model in (last.model, now))
    counts = [[int(((was == old) & (is_now == new)).sum()) for new in ids] for old in last.ids]
    return {
        "from": last.ids,
        "from_names": last.names,
        "to": ids,
        "customers": counts,
        "kept_share": float((was == is_now).mean()),
    }
