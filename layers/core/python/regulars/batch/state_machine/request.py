"""What a run of the state machine makes: scores, or features for the user's own models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from regulars.batch.batch_input import BatchInput
from regulars.batch.score import identity
from regulars.errors import BundleError, SourceError
from regulars.features.cut_points import HISTOGRAM
from regulars.features.relations import LABELS
from regulars.models.loader import ModelLoader

SCORES, FEATURES = "scores", "features"
MOST_LABEL_DAYS = 3660


@dataclass(frozen=True)
class RunRequest:
    """`make` is scores or features; `label_days` > 0 adds labels of that many days after as_of to the features."""

    make: str
    label_days: int = 0

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Self:
        """Read a run's input; SourceError when its values are not valid."""
        make, days = fields.get("make") or SCORES, int(fields.get("label_days") or 0)
        if make not in (SCORES, FEATURES):
            raise SourceError(f"make: {str(make)[:40]!r} is not known; use {SCORES} or {FEATURES}")
        if days and make != FEATURES:
            raise SourceError("label_days needs features; add make: features")
        if not 0 <= days <= MOST_LABEL_DAYS:
            raise SourceError(f"label_days: {days} is not between 0 and {MOST_LABEL_DAYS}")
        if make == FEATURES and fields.get("csv"):
            raise SourceError("features are written as Parquet only; leave csv out")
        return cls(make, days)

    def identity(self, batch_input: BatchInput, loader: ModelLoader) -> dict[str, Any]:
        """Return the manifest entries that identify a result."""
        more = {"make": self.make, "label_days": self.label_days} if self.make == FEATURES else {}
        return {**identity(batch_input, loader), **more}

    def check(self, loader: ModelLoader) -> None:
        """Raise BundleError when the bundle has no SQL for this request."""
        needed = ((HISTOGRAM,) if self.make == FEATURES else ()) + ((LABELS,) if self.label_days else ())
        for name in needed:
            if name not in loader.bundle.sql.relations:
                raise BundleError(f"bundle {loader.bundle.manifest.bundle} has no {name}.sql; train it again")
