"""Learners of an effect on made-up experiments: what is there is found, what is not is not claimed."""

from pathlib import Path

import numpy as np
import pytest

from regulars.actions.uplift import FOLDER, SHAPED, ActionConstants, Constants, LearntEffect
from regulars.models.bundle import Bundle
from regulars.models.purchase_process import Process
from regulars_training.export import package
from regulars_training.export.onnx_export import as_json
from regulars_training.uplift.learners import LEARNERS, Fitted
from regulars_training.uplift.shapes import learn_shapes
from regulars_training.uplift.trial import Trial
from regulars_training.uplift.validate import FOLDS, Choice, choose
from tests.training.uplift.shoppers import shoppers

ROWS = 8_000
PROCESS = Process(r=1, alpha=60, s=1, beta=400, p=3, q=3, gamma=2_000)


def trial(effect: float, dogs: float = 0.0, seed: int = 1) -> tuple[Trial, np.ndarray]:
    """Make an experiment: one feature in five halves customers, those above gain `effect`, those below lose `dogs`."""
    rng = np.random.default_rng(seed)
    rows = rng.random((ROWS, 5)).astype(np.float32)
    treated = rng.random(ROWS) < 0.5
    mean = 1.0 + rows[:, 1] + treated * np.where(rows[:, 0] > 0.5, effect, -dogs)
    fold = rng.integers(0, FOLDS, ROWS)
    return Trial.of(rows, treated, rng.poisson(mean).astype(np.float64), fold), rows[:, 0] > 0.5


def test_a_group_that_loses_is_told_from_one_that_gains() -> None:
    made, gains = trial(effect=0.4, dogs=0.4)
    chosen = choose(made)
    orders, error = chosen.calibration.apply(chosen.fitted.score(made.rows))
    assert chosen.name != "average"
    assert orders[gains].mean() == pytest.approx(0.4, abs=0.1)
    assert orders[~gains].mean() == pytest.approx(-0.4, abs=0.1)
    assert np.mean((orders + 1.28 * error)[~gains] < 0) > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_no_effect_gives_intervals_that_hold_zero(seed: int) -> None:
    """At two standard errors and for the mean customer: one in twenty would miss by chance, and the seeds are fixed."""
    made, _ = trial(effect=0.0, seed=seed)
    chosen = choose(made)
    orders, error = chosen.calibration.apply(chosen.fitted.score(made.rows))
    assert abs(orders.mean()) < 2 * error.mean()
    assert np.mean(np.abs(orders) < 2.6 * error) > 0.9


def test_an_effect_that_is_the_same_for_all_is_said_of_all() -> None:
    made, _ = trial(effect=0.4, dogs=-0.4)
    chosen = choose(made)
    orders, _ = chosen.calibration.apply(chosen.fitted.score(made.rows))
    assert orders.mean() == pytest.approx(0.4, abs=0.1)
    assert orders.std() < 0.1


@pytest.mark.parametrize("name", LEARNERS)
def test_exported_is_fitted_row_by_row(name: str, tmp_path: Path) -> None:
    made, _ = trial(effect=0.4, dogs=0.2)
    names = [f"f{place}" for place in range(made.rows.shape[1])]
    fitted = made.fit(LEARNERS[name])
    served = exported(fitted, choose(made), names, made.rows, tmp_path).score(made.rows)
    np.testing.assert_allclose(served, fitted.score(made.rows), rtol=0, atol=1e-5)


def test_exported_shapes_are_the_fitted_ones_row_by_row(tmp_path: Path) -> None:
    made = shoppers(responds=True)
    held_out, fitted = learn_shapes({"one": made}, SHAPED)
    chosen = choose(made, shapes=(held_out["one"], fitted))
    assert chosen.name == "shapes"
    rows = made.rows.copy()
    rows[:50, SHAPED.index("discount_share")] = np.nan
    served = exported(fitted, chosen, list(SHAPED), rows, tmp_path).score(rows)
    np.testing.assert_allclose(served, fitted.score(rows), rtol=1e-12, atol=0)


def exported(fitted: Fitted, chosen: Choice, names: list[str], rows: np.ndarray, folder: Path) -> LearntEffect:
    """Write a fitted learner as the one action of a folder of effects, and open it."""
    constants = Constants(actions=["one"], features=names, horizon_days=30, process=PROCESS, money_level=1.0)
    own = ActionConstants(
        form=fitted.form,
        offset=fitted.offset,
        calibration=chosen.calibration,
        shapes=list(fitted.shapes),
        usual_discount=fitted.usual_discount,
    )
    files = {f"{FOLDER}/constants.json": as_json(constants.model_dump())}
    files[f"{FOLDER}/0/constants.json"] = as_json(own.model_dump())
    for part, one in fitted.export(rows[:500]).items():
        files |= {f"{FOLDER}/0/{part}/{file}": content for file, content in one.files.items()}
    facts = {
        "as_of": "2026-01-01T00:00:00Z",
        "horizon_days": 30,
        "label_days": 30,
        "currency": "EUR",
        "minor_units": 2,
        "features": names,
        "training": {},
        "metrics": {},
        "verdict": {"passed": True, "reasons": []},
    }
    return LearntEffect(Bundle(package.write(folder / "out", files, facts).path), constants, 0)
