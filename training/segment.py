"""segment: k-means on de-skewed, scaled features, with the evidence for k and names from the measured profile."""

from typing import Any

import numpy as np
import numpy.typing as npt
from regulars.features import FeatureTable
from regulars.tasks import segment as task
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from training.export import Exported, npy

FEATURES = ("recency_days", "order_count", "spend_cents", "mean_order_cents", "tenure_days", "spend_90d_cents")
CANDIDATES = range(2, 9)
DEFAULT = 5
SAMPLE = 5_000

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


def fit_scaler(table: FeatureTable) -> dict[str, Any]:
    """Learn median, mean and deviation of the de-skewed features."""
    logged = task.logged(table, FEATURES)
    std = logged.std(axis=0)
    return {
        "features": list(FEATURES),
        "median": np.nanmedian(logged, axis=0).tolist(),
        "mean": logged.mean(axis=0).tolist(),
        "std": np.where(std > 0, std, 1.0).tolist(),
    }


def evidence(rows: npt.NDArray[np.float64]) -> list[dict[str, float]]:
    """Return inertia (the elbow) and silhouette for each candidate k, on at most SAMPLE customers."""
    sample = np.random.default_rng(7).permutation(rows)[:SAMPLE]
    table = []
    for k in CANDIDATES:
        if len(np.unique(sample, axis=0)) <= k:
            break
        model = KMeans(k, n_init=3, random_state=7).fit(sample)
        silhouette = float(silhouette_score(sample, model.labels_, sample_size=min(2_000, len(sample)), random_state=7))
        table.append({"k": k, "inertia": float(model.inertia_), "silhouette": silhouette})
    return table


def names_of(centroids: npt.NDArray[np.float64]) -> list[str]:
    """Name each segment after its measured profile, each name once (least total distance)."""
    column = {name: index for index, name in enumerate(FEATURES)}
    measured = np.stack(
        [
            -centroids[:, column["recency_days"]],
            centroids[:, column["order_count"]],
            centroids[:, column["spend_cents"]],
            centroids[:, column["tenure_days"]],
        ],
        axis=1,
    )
    known = list(PROFILES)
    distance = ((measured[:, None, :] - np.array(list(PROFILES.values()))[None]) ** 2).sum(axis=2)
    _, chosen = linear_sum_assignment(distance)
    return [known[index] for index in chosen]


class SegmentModel:
    """Fitted centroids, ordered by falling spend so that a segment's number does not hang on chance."""

    def __init__(self, table: FeatureTable, k: int = DEFAULT) -> None:
        self.scaler = fit_scaler(table)
        rows = task.scaled(table, self.scaler)
        with threadpool_limits(1):  # threads add up in whatever order they end, and the last bits would be theirs
            self._fit(rows, k)

    def _fit(self, rows: npt.NDArray[np.float64], k: int) -> None:
        self.evidence = evidence(rows)
        self.k = min(k, len(np.unique(rows, axis=0)))
        centroids = KMeans(self.k, n_init=10, random_state=7).fit(rows).cluster_centers_
        self.centroids = centroids[np.argsort(-centroids[:, FEATURES.index("spend_cents")])]
        self.names = names_of(self.centroids)

    def metrics(self, table: FeatureTable) -> dict[str, Any]:
        """Return k with its evidence, and each segment's share, spend and recency."""
        rows = task.scaled(table, self.scaler)
        nearest = ((rows[:, None, :] - self.centroids[None]) ** 2).sum(axis=2).argmin(axis=1)
        return {
            "k": self.k,
            "evidence": self.evidence,
            "segments": [self._profile(table, nearest == index, name) for index, name in enumerate(self.names)],
        }

    @staticmethod
    def _profile(table: FeatureTable, mine: npt.NDArray[np.bool_], name: str) -> dict[str, Any]:
        def median(feature: str) -> float:
            return float(np.median(table.columns[feature][mine])) if mine.any() else 0.0

        return {
            "name": name,
            "customers": int(mine.sum()),
            "spend_share": float(table.columns["spend_cents"][mine].sum() / max(table.columns["spend_cents"].sum(), 1)),
            "median_orders": median("order_count"),
            "median_recency_days": median("recency_days"),
        }

    def export(self) -> Exported:
        """Return the model as files."""
        return Exported({f"{task.NAME}/centroids.npy": npy(self.centroids)}).with_constants(
            task.NAME, {"scaler": self.scaler, "names": self.names}
        )
