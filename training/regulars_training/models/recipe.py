"""The one recipe: trees on past cutoffs, blend and interval learnt on the newest of them, level from past windows."""

from dataclasses import dataclass, replace
from datetime import datetime

from regulars_training.data.cutoffs import CutoffPlan
from regulars_training.data.dataset import Dataset
from regulars_training.models import calibration, clv, interval
from regulars_training.models.blend import equal_weights
from regulars_training.models.churn import ChurnModel, Forest


@dataclass(frozen=True)
class Models:
    """What answers at one moment."""

    clv: clv.ClvModel
    churn: ChurnModel


@dataclass(frozen=True)
class Learnt:
    """What the newest cutoff teaches about models that have not seen it."""

    blend_weights: tuple[float, ...] = equal_weights(3)
    forest_weight: float = 0.5
    correction: float = 0.0


class Recipe:
    """Models for any moment of a plan from what was known before it; trees are fitted once for each set of cutoffs."""

    def __init__(self, data: Dataset, plan: CutoffPlan) -> None:
        """`data` holds the snapshots of `plan.cutoffs`, and of `plan.as_of` where models for it are asked."""
        self.data, self.plan = data, plan
        self._stretched = plan.stretch > 1
        self._trees: dict[tuple[datetime, ...], tuple[clv.ClvTrees, Forest]] = {}

    def in_window(self) -> "Recipe":
        """Return this recipe with answers for the label window: what can be judged where the horizon is longer."""
        short = Recipe(self.data.in_window(), replace(self.plan, horizon_days=self.plan.label_days))
        short._stretched, short._trees = self._stretched, self._trees
        return short

    def trees(self, cutoffs: tuple[datetime, ...]) -> tuple[clv.ClvTrees, Forest]:
        """Fit, or find, the boosters and the forest of these cutoffs."""
        if cutoffs not in self._trees:
            rows = self.data.at(cutoffs)
            self._trees[cutoffs] = (clv.ClvTrees(rows), Forest(rows))
        return self._trees[cutoffs]

    def at(self, moment: datetime) -> Models:
        """Return the models that what was known before `moment` makes, for the customers of that moment."""
        learnt = self.learn(moment)
        boosters, forest = self.trees(self.plan.before(moment))
        today, there = self.data.at([moment]), calibration.expected(self.data, self.plan, moment)
        return Models(
            clv.ClvModel(boosters, self.plan, today, there, learnt.blend_weights, learnt.correction),
            ChurnModel(forest, self.plan, today, there, learnt.forest_weight),
        )

    def learn(self, moment: datetime) -> Learnt:
        """Learn blend and correction on the newest cutoff before `moment`, by models fitted before that one.

        Where labels are shorter than the horizon, what is best within them says little of it: nothing is learnt then.
        """
        newest = self.plan.before(moment)[0]
        earlier = self.plan.before(newest)
        if not earlier or self._stretched:
            return Learnt()
        boosters, forest = self.trees(earlier)
        seen = self.data.at([newest])
        there = calibration.actual(seen)
        weights = clv.learn_blend(clv.ClvModel(boosters, self.plan, seen, there), seen)
        model = clv.ClvModel(boosters, self.plan, seen, there, weights)
        correction = interval.correction(seen.value_cents, model.predict(seen))
        return Learnt(weights, forest.learn_weight(seen), correction)
