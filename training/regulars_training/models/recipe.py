"""The one recipe: trees on past cutoffs, blend and interval learnt on the newest of them, level from past windows."""

from dataclasses import dataclass, replace
from datetime import datetime

from regulars_training.data.cutoffs import Plan
from regulars_training.data.dataset import Dataset
from regulars_training.models import blend as weights
from regulars_training.models import calibration, clv, interval
from regulars_training.models.churn import ChurnModel, Forest


@dataclass(frozen=True)
class Models:
    """What answers at one moment."""

    clv: clv.ClvModel
    churn: ChurnModel


@dataclass(frozen=True)
class Learnt:
    """What the newest cutoff teaches about models that have not seen it."""

    blend: tuple[float, ...] = weights.equal(3)
    forest: float = 0.5
    correction: float = 0.0


class Recipe:
    """Models for any moment of a plan from what was known before it; trees are fitted once for each set of cutoffs."""

    def __init__(self, data: Dataset, plan: Plan) -> None:
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
            clv.ClvModel(boosters, self.plan, today, there, learnt.blend, learnt.correction),
            ChurnModel(forest, self.plan, today, there, learnt.forest),
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
        blend = clv.learn_weights(clv.ClvModel(boosters, self.plan, seen, there), seen)
        model = clv.ClvModel(boosters, self.plan, seen, there, blend)
        found = interval.correction(seen.value_cents, model.predict(seen))
        return Learnt(blend, forest.learn_weight(seen), found)
