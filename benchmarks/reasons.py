"""The bundle's reasons beside exact TreeSHAP, on one lake: `python benchmarks/reasons.py LAKE AS_OF HORIZON`.

Trains value and churn like `regulars train`, with the time up to one label window before AS_OF, and explains customers
at that moment. Prints the agreement by feature and by group: same largest reason, share of the three largest in both,
correlation. Prints microseconds a row on one thread for the leaf table and for XGBoost's exact `pred_contribs`; the
forest's trees are converted to XGBoost for it.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from rich.console import Console
from rich.table import Table

from regulars.data import lake as lakes
from regulars.data.sql import SqlFolder, connect
from regulars.instants import parse_as_of
from regulars.models.bundle import Bundle
from regulars.models.trees import TreeModel
from regulars_training.data import cutoffs, dataset
from regulars_training.evaluation import treeshap
from regulars_training.export.onnx_export import Exported
from regulars_training.models.recipe import Recipe
from regulars_training.train import learnable

SAMPLE = 2_000
SQL = Path(__file__).resolve().parents[1] / "sql"
Rows = npt.NDArray[np.float32]


class Folder(Bundle):
    """A folder of files in place of a bundle."""

    def file(self, name: str) -> Path:
        """Return the path of a file, unchecked."""
        return self.path / name


def opened(exported: Exported, name: str, folder: Path) -> TreeModel:
    """Write a task's files, and open the trees `name` as serving does."""
    for file, content in exported.files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    return TreeModel(Folder(folder), name)


def microseconds(explain: Callable[[Rows], object], rows: Rows) -> float:
    """Return the wall time a row, of the fastest of three runs."""
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        explain(rows)
        spent.append(time.perf_counter() - start)
    return min(spent) / len(rows) * 1e6


def main(lake: Path, as_of: str, horizon: str) -> None:
    """Train, compare and print."""
    with connect("4GB", 2) as connection:
        lakes.attach(connection, lake)
        plan = cutoffs.plan(*dataset.history(connection), parse_as_of(as_of), int(horizon))
        plan, data, _ = learnable(connection, SqlFolder(SQL), plan)
    recipe = Recipe(data, plan).in_window()
    before, holdout = recipe.data.at(plan.before_holdout), recipe.data.at([plan.holdout])
    models = recipe.at(plan.holdout)
    forest, value = models.churn.forest.forest, models.clv.trees.boosters["anchored"]
    rows = holdout.matrix[np.random.default_rng(7).permutation(len(holdout.frame))[:SAMPLE]]
    heads = ("model", "by", "same first", "three shared", "correlation", "leaf table us/row", "TreeSHAP us/row")
    table = Table(*heads, title=f"{lake.name}: {len(rows):,} customers")
    with TemporaryDirectory() as folder:
        for task, name, model, exported in (
            ("clv", "clv/anchored", value, models.clv.export(before)),
            ("churn", "churn", forest, models.churn.export(before)),
        ):
            booster = model if isinstance(model, xgb.Booster) else treeshap.as_booster(model, rows)
            booster.set_param({"nthread": 1})
            served = opened(exported, name, Path(folder))
            fast = microseconds(lambda some, served=served: served.contributions(served.leaves(some)), rows)
            slow = microseconds(lambda some, booster=booster: treeshap.exact(booster, some), rows[:500])
            agreement = treeshap.compare(model, rows, holdout.features)
            for kind in ("by_feature", "by_group"):
                numbers = (f"{agreement[kind][measure]:.3f}" for measure in ("same_top", "top3_shared", "correlation"))
                table.add_row(task, kind.removeprefix("by_"), *numbers, f"{fast:.1f}", f"{slow:.1f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])
