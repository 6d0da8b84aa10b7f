"""What the state machine is asked for: scores, or the features that models of somebody else's learn from."""

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
    """What is to be made of an input; of features, whether with what happened in so many days after them."""

    make: str
    label_days: int = 0

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Self:
        """Read what was asked; SourceError when it is nothing that can be made."""
        make, days = said.get("make") or SCORES, int(said.get("label_days") or 0)
        if make not in (SCORES, FEATURES):
            raise SourceError(f"make: {str(make)[:40]!r} is not known; {SCORES} and {FEATURES} are")
        if days and make != FEATURES:
            raise SourceError("label_days go with features; say make: features, too")
        if not 0 <= days <= MOST_LABEL_DAYS:
            raise SourceError(f"label_days: {days} is not between 1 and {MOST_LABEL_DAYS}")
        if make == FEATURES and said.get("csv"):
            raise SourceError("features are written as Parquet; leave csv out")
        return cls(make, days)

    def identity(self, batch_input: BatchInput, loader: ModelLoader) -> dict[str, Any]:
        """Return what a manifest says that makes one result another."""
        more = {"make": self.make, "label_days": self.label_days} if self.make == FEATURES else {}
        return {**identity(batch_input, loader), **more}

    def check(self, loader: ModelLoader) -> None:
        """Raise BundleError when the bundle lacks the SQL for it."""
        needed = ((HISTOGRAM,) if self.make == FEATURES else ()) + ((LABELS,) if self.label_days else ())
        for name in needed:
            if name not in loader.bundle.sql.relations:
                raise BundleError(f"bundle {loader.bundle.manifest.bundle} has no {name}.sql; train it again")
