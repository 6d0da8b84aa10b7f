"""What a segment is called: by the measured profile of its centre, never by its number."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from regulars.arrays import FloatArray

MEASURES = {"recency_days": -1.0, "order_count": 1.0, "spend_cents": 1.0, "tenure_days": 1.0}
"""The features that a profile is made of, and the sign with which each counts."""

PROFILES: dict[str, tuple[float, float, float, float]] = {
    # How far above (+) or below (-) the average customer: recently seen, orders, spend, tenure, in standard deviations.
    "Champions": (0.8, 1.6, 1.5, 0.7),
    "Loyal": (0.5, 0.7, 0.5, 0.6),
    "Big spenders": (0.2, 0.0, 1.0, 0.2),
    "Promising": (0.8, -0.2, -0.2, -0.3),
    "Occasional": (0.0, -0.5, -0.4, 0.0),
    "New": (1.0, -0.8, -0.7, -1.4),
    "At risk": (-0.6, 0.5, 0.5, 0.5),
    "Hibernating": (-1.0, -0.5, -0.4, 0.5),
    "Lost": (-1.2, -0.9, -1.0, 0.3),
}
"""Names and the profile that each describes; a segment takes the name whose profile its own is nearest to."""

SLACK = 0.5
"""A name that a segment has still fits while no other profile is nearer by more than this many deviations."""


def misfit(centroids: FloatArray, features: Sequence[str]) -> FloatArray:
    """Return how far each centre's measured profile is from each name's, in deviations; shape (segments, names)."""
    columns = [features.index(name) for name in MEASURES]
    measured = centroids[:, columns] * np.array(list(MEASURES.values()))
    distance: FloatArray = np.linalg.norm(measured[:, None, :] - np.array(list(PROFILES.values()))[None], axis=2)
    return distance


def names_of(centroids: FloatArray, features: Sequence[str], had: Mapping[int, str] | None = None) -> list[str]:
    """Name each segment after its measured profile, each name once (least sum of squared distances).

    `had` are the names that some of the segments bear already, by place: they stay where they still fit.
    """
    distance = misfit(centroids, features)
    known = list(PROFILES)
    names = {place: name for place, name in (had or {}).items() if name in known and _fits(distance[place], name)}
    rest = [place for place in range(len(centroids)) if place not in names]
    free = [column for column, name in enumerate(known) if name not in names.values()]
    _, chosen = linear_sum_assignment(distance[np.ix_(rest, free)] ** 2)
    names |= {place: known[free[column]] for place, column in zip(rest, chosen, strict=True)}
    return [names[place] for place in range(len(centroids))]


def _fits(distance: FloatArray, name: str) -> bool:
    return bool(distance[list(PROFILES).index(name)] <= distance.min() + SLACK)
