"""Names of segments, from the measured profile of their centres, never from their numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from regulars.arrays import FloatArray

MEASURES = {"recency_days": -1.0, "order_count": 1.0, "spend_cents": 1.0, "tenure_days": 1.0}
"""The features of a profile, each with its sign."""

PROFILES: dict[str, tuple[float, float, float, float]] = {
    # Standard deviations above (+) or below (-) the average customer: recent order, orders, spend, tenure.
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
"""The profile of each name. A segment takes the name with the profile nearest to its own."""

SLACK = 0.5
"""A segment keeps its name until another profile is nearer by more than this many standard deviations."""


def misfit(centroids: FloatArray, features: Sequence[str]) -> FloatArray:
    """Return the distance of each centre's profile to each name's, in deviations; shape (segments, names)."""
    columns = [features.index(name) for name in MEASURES]
    measured = centroids[:, columns] * np.array(list(MEASURES.values()))
    distance: FloatArray = np.linalg.norm(measured[:, None, :] - np.array(list(PROFILES.values()))[None], axis=2)
    return distance


def names_of(centroids: FloatArray, features: Sequence[str], old: Mapping[int, str] | None = None) -> list[str]:
    """Return a name for each segment by its profile, each name once (least sum of squared distances).

    `old` maps places to names from the last bundle; a segment keeps its old name while it fits.
    """
    distance = misfit(centroids, features)
    known = list(PROFILES)
    names = {place: name for place, name in (old or {}).items() if name in known and _fits(distance[place], name)}
    rest = [place for place in range(len(centroids)) if place not in names]
    free = [column for column, name in enumerate(known) if name not in names.values()]
    _, chosen = linear_sum_assignment(distance[np.ix_(rest, free)] ** 2)
    names |= {place: known[free[column]] for place, column in zip(rest, chosen, strict=True)}
    return [names[place] for place in range(len(centroids))]


def _fits(distance: FloatArray, name: str) -> bool:
    return bool(distance[list(PROFILES).index(name)] <= distance.min() + SLACK)
