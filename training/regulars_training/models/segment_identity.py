"""Identity of segments over trainings: new centres are matched with those of the last bundle."""

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

    `centres`, shape (segments, features), are in the features' own units. `mean` is the average customer of that
    training, de-skewed.
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
        """Read the segments of a bundle; BundleError when a file fails its check, or the segments have no ids."""
        constants = bundle.json("segment/constants.json")
        if "ids" not in constants:
            raise BundleError(f"bundle {bundle.manifest.bundle} is of an older version: its segments have no ids")
        return cls.of(bundle.manifest.bundle, bundle.array("segment/centroids.npy"), constants)

    @classmethod
    def of(cls, bundle: str, centroids: FloatArray, constants: dict[str, Any]) -> Self:
        """Make them from a bundle's centroids and constants."""
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
        """Return the centres on the scale of `scaler`; None when it has other features.

        The centres stay, or move with the average customer, whichever is nearer to the `fresh` centres. In a young
        shop all customers grow older together, so the average moves; in a growing shop it does not.
        """
        if self.features != scaler["features"]:
            return None
        stayed = task.deskewed(self.centres)
        moved = stayed + (np.array(scaler["mean"]) - self.mean)
        scaled: list[FloatArray] = [(rows - scaler["mean"]) / scaler["std"] for rows in (stayed, moved)]
        return min(scaled, key=lambda rows: _cost(_distance(fresh, rows)))


def _distance(left: FloatArray, right: FloatArray) -> FloatArray:
    distance: FloatArray = np.linalg.norm(left[:, None, :] - right[None], axis=2)
    return distance


def _cost(distance: FloatArray) -> float:
    """Return the least sum of squared distances over pairs."""
    return float((distance**2)[linear_sum_assignment(distance**2)].sum())


def last_segments(folder: Path) -> tuple[LastSegments | None, list[str]]:
    """Return the segments of the bundle in `folder`, None without one, and warnings.

    When the bundle cannot be read, its segments are ignored and a warning says so.
    """
    if not (folder / MANIFEST).exists():
        return None, []
    try:
        return LastSegments.read(Bundle(folder)), []
    except BundleError as error:
        return None, [f"segments get new numbers, the last ones cannot be read: {error}"]


def match(new: FloatArray, old: FloatArray) -> dict[int, int]:
    """Return pairs of new and old centres, as new place to old place. Both have shape (segments, features), one scale.

    The pairs have the least sum of squared distances (Kuhn 1955, the Hungarian method). A pair is dropped when the old
    centre's nearest old neighbour is closer than the new centre: that is another segment.
    """
    distance, between = _distance(new, old), _distance(old, old)
    np.fill_diagonal(between, np.inf)
    pairs = zip(*linear_sum_assignment(distance**2), strict=True)
    return {int(place): int(last) for place, last in pairs if distance[place, last] <= between[last].min()}


def migration(last: LastSegments, table: FeatureTable, now: task.Segment, ids: list[int]) -> dict[str, Any]:
    """Count customers by their segment under the last bundle and under the new one.

    `from` and `to` are segment ids; `customers` has a row for each `from` and a column for each `to`; `kept_share` is
    the share of customers with the same segment under both.
    """
    before, after = (model.predict(table).columns["segment_id"] for model in (last.model, now))
    counts = [[int(((before == old) & (after == new)).sum()) for new in ids] for old in last.ids]
    return {
        "from": last.ids,
        "from_names": last.names,
        "to": ids,
        "customers": counts,
        "kept_share": float((before == after).mean()),
    }
