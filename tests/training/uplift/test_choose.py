"""Learners on simulated experiments: a true effect is found, and no effect is claimed without one."""

from pathlib import Path

import numpy as np
import pytest

from regulars.actions.effects.shapes import SHAPED
from regulars.actions.effects.uplift import FOLDER, ActionConstants, Constants, LearntEffect
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
    """Make an experiment. One of five features splits customers: half gain `effect`, half lose `dogs`."""
    rng = np.random.default_rng(seed)
    rows = rng.random((ROWS, 5)).astype(np.float32)
    treated = rng.random(ROWS) < 0.5
    mean = 1.0 + rows[:, 1] + treated * np.where(rows[:, 0] > 0.5, effect, -dogs)
    fold = rng.integers(0, FOLDS, ROWS)
    return Trial.of(rows, treated, rng.poisson(mean).astype(np.float64), fold), rows[:, 0] > 0.5


def test_a_losing_group_is_separated_from_a_gaining_one() -> None:
    experiment, gains = trial(effect=0.4, dogs=0.4)
    chosen = choose(experiment)
    orders, error = chosen.calibration.apply(chosen.fitted.score(experiment.rows))
    assert chosen.name != "average"
    assert orders[gains].mean() == pytest.approx(0.4, abs=0.1)
    assert orders[~gains].mean() == pytest.approx(-0.4, abs=0.1)
    assert np.mean((orders + 1.28 * error)[~gains] < 0) > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_without_an_effect_intervals_contain_zero(seed: int) -> None:
    """For the mean customer at two standard errors. One seed in twenty would miss by chance; the seeds are fixed."""
    experiment, _ = trial(effect=0.0, seed=seed)
    chosen = choose(experiment)
    orders, error = chosen.calibration.apply(chosen.fitted.score(experiment.rows))
    assert abs(orders.mean()) < 2 * error.mean()
    assert np.mean(np.abs(orders) < 2.6 * error) > 0.9


def test_a_constant_effect_is_predicted_for_all() -> None:
    experiment, _ = trial(effect=0.4, dogs=-0.4)
    chosen = choose(experiment)
    orders, _ = chosen.calibration.apply(chosen.fitted.score(experiment.rows))
    assert orders.mean() == pytest.approx(0.4, abs=0.1)
    assert orders.std() < 0.1


@pytest.mark.parametrize("name", LEARNERS)
def test_exported_is_fitted_row_by_row(name: str, tmp_path: Path) -> None:
    experiment, _ = trial(effect=0.4, dogs=0.2)
    names = [f"f{place}" for place in range(experiment.rows.shape[1])]
    fitted = experiment.fit(LEARNERS[name])
    served = exported(fitted, choose(experiment), names, experiment.rows, tmp_path).score(experiment.rows)
    np.testing.assert_allclose(served, fitted.score(experiment.rows), rtol=0, atol=1e-5)


def test_exported_shapes_are_the_fitted_ones_row_by_row(tmp_path: Path) -> None:
    experiment = shoppers(responds=True)
    held_out, fitted = learn_shapes({"one": experiment}, SHAPED)
    chosen = choose(experiment, shapes=(held_out["one"], fitted))
    assert chosen.name == "shapes"
    rows = experiment.rows.copy()
    rows[:50, SHAPED.index("discount_share")] = np.nan
    served = exported(fitted, chosen, list(SHAPED), rows, tmp_path).score(rows)
    np.testing.assert_allclose(served, fitted.score(rows), rtol=1e-12, atol=0)


def exported(fitted: Fitted, chosen: Choice, names: list[str], rows: np.ndarray, folder: Path) -> LearntEffect:
    """Write a fitted learner as the only action of a folder of effects, and open it."""
    constants = Constants(actions=["one"], features=names, horizon_days=30, process=PROCESS, money_level=1.0)
    action = ActionConstants(
        form=fitted.form,
        offset=fitted.offset,
        calibration=chosen.calibration,
        shapes=list(fitted.shapes),
        usual_discount=fitted.usual_discount,
    )
    files = {f"{FOLDER}/constants.json": as_json(constants.model_dump())}
    files[f"{FOLDER}/0/constants.json"] = as_json(action.model_dump())
    for part, export in fitted.export(rows[:500]).items():
        files |= {f"{FOLDER}/0/{part}/{file}": content for file, content in export.files.items()}
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
