"""Uplift on a public e-mail experiment: `python benchmarks/hillstrom.py FOLDER`.

FOLDER holds `customers.parquet` of the MineThatData e-mail challenge (64,000 customers; women's mail against none; the
outcome is a visit). Five random halves, seeds 0 to 4, stratified on segment and visit: fitted on one half,
evaluated on the other by the Qini coefficient of scikit-uplift. Ours chooses its learner inside the training half.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost as xgb
from rich.console import Console
from rich.table import Table
from sklearn.model_selection import train_test_split

from regulars.arrays import FloatArray
from regulars_training.uplift.learners import LEARNERS, Flags, Rows, logistic_difference
from regulars_training.uplift.qini import qini_auc
from regulars_training.uplift.trial import Trial
from regulars_training.uplift.validate import choose

SEEDS = range(5)
FOLDS = 4
ARMS = ("Womens E-Mail", "No E-Mail")

Score = Callable[[Rows], FloatArray]
Fit = Callable[[Rows, Flags, FloatArray], Score]


def read(folder: Path) -> tuple[Rows, Flags, FloatArray]:
    """Return features, arm and visit."""
    frame = pl.read_parquet(folder / "customers.parquet").filter(pl.col("segment").is_in(ARMS))
    texts = ("history_segment", "zip_code", "channel")
    numbers = frame.select("recency", "history", "mens", "womens", "newbie")
    rows = pl.concat([numbers, frame.select(texts).to_dummies()], how="horizontal").to_numpy().astype(np.float32)
    return rows, (frame["segment"] == ARMS[0]).to_numpy(), frame["visit"].to_numpy().astype(np.float64)


def trial(rows: Rows, treated: Flags, outcome: FloatArray) -> Trial:
    """Add random folds: each customer has one row."""
    return Trial.of(rows, treated, outcome, np.random.default_rng(7).integers(0, FOLDS, len(rows)))


def ours(rows: Rows, treated: Flags, outcome: FloatArray) -> Score:
    """Choose the learner by cross-fitting inside these rows."""
    chosen = choose(trial(rows, treated, outcome))
    print("  chose", chosen.name, {name: round(z, 1) for name, z in chosen.tried.items()})
    return chosen.fitted.score


def response_only(rows: Rows, treated: Flags, outcome: FloatArray) -> Score:
    """Rank by the probability that a treated customer visits, like a response model."""
    parameters = {"objective": "binary:logistic", "max_depth": 6, "learning_rate": 0.1, "nthread": 1}
    booster = xgb.train(parameters, xgb.DMatrix(rows[treated], outcome[treated]), 100)
    return lambda new: booster.predict(xgb.DMatrix(new)).astype(np.float64)


def learner(name: str) -> Fit:
    """Return a fit of one learner."""
    return lambda rows, treated, outcome: trial(rows, treated, outcome).fit(LEARNERS[name]).score


def halves(treated: Flags, outcome: FloatArray, seed: int) -> list[npt.NDArray[np.int64]]:
    """Split in two, stratified on arm and visit."""
    return list(
        train_test_split(np.arange(len(treated)), test_size=0.5, random_state=seed, stratify=2 * treated + outcome)
    )


def main(folder: Path) -> None:
    """Fit, evaluate and print."""
    rows, treated, outcome = read(folder)
    models: dict[str, Fit] = {
        "ours (chosen inside the half)": ours,
        **{f"{name.upper()}-learner, shrunken trees": learner(name) for name in LEARNERS},
        "T-learner, logistic": logistic_difference,
        "response only": response_only,
    }
    table = Table("model", "Qini AUC", "standard deviation", "by half", title=f"{len(rows):,} customers, {ARMS}")
    for name, fit in models.items():
        qini = []
        for seed in SEEDS:
            train, test = halves(treated, outcome, seed)
            score = fit(rows[train], treated[train], outcome[train])(rows[test])
            qini.append(qini_auc(outcome[test], score, treated[test]))
        by_half = " ".join(f"{value:.4f}" for value in qini)
        table.add_row(name, f"{np.mean(qini):.4f}", f"{np.std(qini, ddof=1):.4f}", by_half)
    Console(width=120).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
