"""The training recipe: trees from past cutoffs, blend and interval from the newest, total from past windows."""

from dataclasses import dataclass, replace
from datetime import datetime

from regulars_training.data.cutoffs import CutoffPlan
from regulars_training.data.dataset import Dataset
from regulars_training.models import calibration, clv, interval
from regulars_training.models.blend import equal_weights
from regulars_training.models.churn import ChurnModel, Forest


@dataclass(frozen=True)
class Models:
    """The models of one moment."""

    clv: clv.ClvModel
    churn: ChurnModel


@dataclass(frozen=True)
class Learnt:
    """Constants learnt on the newest cutoff, with models that have not seen it."""

    blend_weights: tuple[float, ...] = equal_weights(3)
    forest_weight: float = 0.5
    correction: float = 0.0


class Recipe:
    """Models for any moment of a plan, from the time before it. Trees are fitted once for each set of cutoffs."""

    def __init__(self, data: Dataset, plan: CutoffPlan) -> None:
        """`data` holds the snapshots of `plan.cutoffs`; and of `plan.as_of`, if models for it are needed."""
        self.data, self.plan = data, plan
        self._stretched = plan.stretch > 1
        self._trees: dict[tuple[datetime, ...], tuple[clv.ClvTrees, Forest]] = {}

    def in_window(self) -> "Recipe":
        """Return this recipe with the label window as horizon: a longer horizon has no labels to compare with."""
        short = Recipe(self.data.in_window(), replace(self.plan, horizon_days=self.plan.label_days))
        short._stretched, short._trees = self._stretched, self._trees
        return short

    def trees(self, cutoffs: tuple[datetime, ...]) -> tuple[clv.ClvTrees, Forest]:
        """Return the boosters and the forest of these cutoffs, fitted at the first call."""
        if cutoffs not in self._trees:
            rows = self.data.at(cutoffs)
            self._trees[cutoffs] = (clv.ClvTrees(rows), Forest(rows))
        return self._trees[cutoffs]

    def at(self, moment: datetime) -> Models:
        """Return models trained on the time before `moment`, calibrated to the customers of that moment."""
        learnt = self.learn(moment)
        boosters, forest = self.trees(self.plan.before(moment))
        today, total = self.data.at([moment]), calibration.expected(self.data, self.plan, moment)
        return Models(
            clv.ClvModel(boosters, self.plan, today, total, learnt.blend_weights, learnt.correction),
            ChurnModel(forest, self.plan, today, total, learnt.forest_weight),
        )

    def learn(self, moment: datetime) -> Learnt:
        """Learn blend and correction on the newest cutoff before `moment`, with models fitted before that cutoff.

        With labels shorter than the horizon it returns the defaults: the best blend of a short window is not the
        horizon's.
        """
        newest = self.plan.before(moment)[0]
        earlier = self.plan.before(newest)
        if not earlier or self._stretched:
            return Learnt()
        boosters, forest = self.trees(earlier)
        labelled = self.data.at([newest])
        total = calibration.actual(labelled)
        weights = clv.learn_blend(clv.ClvModel(boosters, self.plan, labelled, total), labelled)
        model = clv.ClvModel(boosters, self.plan, labelled, total, weights)
        correction = interval.correction(labelled.value_cents, model.predict(labelled))
        return Learnt(weights, forest.learn_weight(labelled), correction)
