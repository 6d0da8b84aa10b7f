"""Simulated shoppers: some have left, some buy at a discount, some order too often for an action to add orders."""

import numpy as np

from regulars_training.uplift.trial import Trial
from regulars_training.uplift.validate import FOLDS

ROWS = 20_000


def shoppers(*, responds: bool, seed: int = 1, later: float = 0.0) -> Trial:
    """Make an experiment. The effect depends on P(alive), discounts and order rate; without `responds` it is zero.

    Features are those of SHAPED, in its order. `later` is the effect after the first days, as a share of it.
    """
    rng = np.random.default_rng(seed)
    alive, rate = rng.random(ROWS), rng.gamma(1.0, 1.0, ROWS)
    repeats, share = rng.integers(5, 30, ROWS), rng.choice([0.0, 0.06], ROWS)
    rows = np.stack([alive, alive * rate, repeats, share], axis=1).astype(np.float32)
    treated = rng.random(ROWS) < 0.5
    moved = 0.6 * alive * (share > 0) * np.exp(-rate) * responds
    outcome = rng.poisson(alive * rate + treated * moved * (1 + later))
    return Trial.of(rows, treated, outcome.astype(np.float64), rng.integers(0, FOLDS, ROWS))
