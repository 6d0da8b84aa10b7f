"""segment: k-means on de-skewed, scaled features; evidence for k; segments keep their ids in later trainings."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from regulars.arrays import FloatArray
from regulars.features.table import FeatureTable
from regulars.models.tasks import segment as task
from regulars_training.export.onnx_export import Exported, npy
from regulars_training.models.segment_identity import LastSegments, match, migration
from regulars_training.models.segment_names import names_of

FEATURES = ("recency_days", "order_count", "spend_cents", "mean_order_cents", "tenure_days", "spend_90d_cents")
CANDIDATES = range(2, 9)
DEFAULT = 5
SAMPLE = 5_000
DRIFT, STEPS = 0.03, (1, 2, 5, 300)
"""Old centres take the fewest of these steps of k-means that bring inertia within DRIFT of a fresh fit's."""


def fit_scaler(table: FeatureTable) -> dict[str, Any]:
    """Learn median, mean and standard deviation of the de-skewed features."""
    logged = task.logged(table, FEATURES)
    std = logged.std(axis=0)
    return {
        "features": list(FEATURES),
        "median": np.nanmedian(logged, axis=0).tolist(),
        "mean": logged.mean(axis=0).tolist(),
        "std": np.where(std > 0, std, 1.0).tolist(),
    }


def evidence(rows: FloatArray) -> list[dict[str, float]]:
    """Return inertia and silhouette for each candidate k, on at most SAMPLE customers; `rows` is (n, features)."""
    sample = np.random.default_rng(7).permutation(rows)[:SAMPLE]
    table = []
    for k in CANDIDATES:
        if len(np.unique(sample, axis=0)) <= k:
            break
        model = KMeans(k, n_init=3, random_state=7).fit(sample)
        silhouette = float(silhouette_score(sample, model.labels_, sample_size=min(2_000, len(sample)), random_state=7))
        table.append({"k": k, "inertia": float(model.inertia_), "silhouette": silhouette})
    return table


def suggested(table: list[dict[str, float]]) -> dict[str, int]:
    """Return the k suggested by the `elbow` and by the `silhouette`; empty without candidates.

    The elbow is the point of the inertia curve farthest below the line between its ends, with both axes scaled to
    [0, 1] (Satopaa et al. 2011, "Finding a Kneedle in a Haystack").
    """
    if not table:
        return {}
    k, inertia, silhouette = (np.array([row[name] for row in table]) for name in ("k", "inertia", "silhouette"))
    along = (k - k[0]) / max(k[-1] - k[0], 1)
    down = (inertia - inertia[-1]) / max(inertia[0] - inertia[-1], 1e-12)
    return {"elbow": int(k[np.argmax(1 - along - down)]), "silhouette": int(k[np.argmax(silhouette)])}


class SegmentModel:
    """Fitted centroids with ids and names. Ids and names of the `last` bundle are kept where they still fit.

    Without a last bundle, segments are numbered by falling spend, so numbers do not depend on chance.
    """

    def __init__(self, table: FeatureTable, k: int = DEFAULT, last: LastSegments | None = None, seed: int = 7) -> None:
        self.scaler = fit_scaler(table)
        self.last = last
        rows = task.scaled(table, self.scaler)
        k = min(k, len(np.unique(rows, axis=0)))
        with threadpool_limits(1):  # threads add up in a random order, which changes the last bits
            self.evidence = evidence(rows)
            fitted = KMeans(k, n_init=10, random_state=seed).fit(rows)
            before = last.on_scale(self.scaler, fitted.cluster_centers_) if last else None
            if before is not None and len(before) == k:
                fitted = _moved_on(rows, before, fitted)
        centroids = fitted.cluster_centers_
        self.centroids: FloatArray = centroids[np.argsort(-centroids[:, FEATURES.index("spend_cents")])]
        self._identify(before)

    def _identify(self, before: FloatArray | None) -> None:
        """Give each centroid its id and name, and sort centroids by id."""
        pairs = match(self.centroids, before) if self.last and before is not None else {}
        old_names = {new: self.last.names[old] for new, old in pairs.items()} if self.last else {}
        names = names_of(self.centroids, FEATURES, old_names)
        old_ids = {new: self.last.ids[old] for new, old in pairs.items()} if self.last else {}
        self.next_id = self.last.next_id if self.last else 0
        ids = []
        for place in range(len(self.centroids)):
            ids.append(old_ids.get(place, self.next_id))
            self.next_id += place not in old_ids
        order = np.argsort(ids)
        self.centroids = self.centroids[order]
        self.ids, self.names = [ids[place] for place in order], [names[place] for place in order]

    @property
    def k(self) -> int:
        """The number of segments."""
        return len(self.ids)

    @property
    def model(self) -> task.Segment:
        """These segments as the serving task."""
        return task.Segment(self.scaler, self.centroids, self.ids, self.names)

    def metrics(self, table: FeatureTable) -> dict[str, Any]:
        """Return k with its evidence, a profile of each segment, and the changes since the last bundle."""
        nearest = self.model.predict(table).columns["segment_id"]
        segments = zip(self.ids, self.names, strict=True)
        return {
            "k": self.k,
            "evidence": self.evidence,
            "suggested": suggested(self.evidence),
            "segments": [_profile(table, nearest == number, number, name) for number, name in segments],
            "last": self._changes(self.last, table) if self.last else None,
        }

    def _changes(self, last: LastSegments, table: FeatureTable) -> dict[str, Any]:
        now, before = (dict(zip(segments.ids, segments.names, strict=True)) for segments in (self, last))
        return {
            "bundle": last.bundle,
            **migration(last, table, self.model, self.ids),
            "renamed": [
                [number, before[number], now[number]]
                for number in now
                if number in before and before[number] != now[number]
            ],
            "new": [number for number in now if number not in before],
            "gone": [number for number in before if number not in now],
        }

    @property
    def constants(self) -> dict[str, Any]:
        """Constants that serving and the next training need besides the centroids."""
        return {"scaler": self.scaler, "ids": self.ids, "names": self.names, "next_id": self.next_id}

    def export(self) -> Exported:
        """Return the model as files."""
        return Exported({f"{task.NAME}/centroids.npy": npy(self.centroids)}).with_constants(task.NAME, self.constants)


def _moved_on(rows: FloatArray, before: FloatArray, fresh: KMeans) -> KMeans:
    """Return the fit with the fewest steps from the centres `before` that is about as good as `fresh`, else `fresh`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is intended
        for steps in STEPS:
            fitted = KMeans(len(before), init=before, n_init=1, max_iter=steps).fit(rows)
            if fitted.inertia_ * (1 - DRIFT) <= fresh.inertia_:
                return fitted
    return fresh


def _profile(table: FeatureTable, members: npt.NDArray[np.bool_], number: int, name: str) -> dict[str, Any]:
    def median(feature: str) -> float:
        return float(np.median(table.columns[feature][members])) if members.any() else 0.0

    return {
        "segment_id": number,
        "name": name,
        "customers": int(members.sum()),
        "spend_share": float(table.columns["spend_cents"][members].sum() / max(table.columns["spend_cents"].sum(), 1)),
        "median_orders": median("order_count"),
        "median_recency_days": median("recency_days"),
    }
