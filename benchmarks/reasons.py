"""The bundle's reasons beside exact TreeSHAP, on one lake: `python benchmarks/reasons.py LAKE AS_OF HORIZON`.

Trains value and churn as `regulars train` does on what was known one label length before AS_OF, and explains customers
at that moment. Prints agreement (largest reason the same, three largest shared, correlation) by feature and by group,
and microseconds a row, one thread each: the leaf table as it is served, and XGBoost's exact `pred_contribs`, for the
forest on the same trees handed to XGBoost.
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
from regulars_training.models import churn, clv

SAMPLE = 2_000
SQL = Path(__file__).resolve().parents[1] / "sql"
Rows = npt.NDArray[np.float32]


class Folder(Bundle):
    """A folder of files that stands for a bundle."""

    def file(self, name: str) -> Path:
        """Return the path of a file, unchecked."""
        return self.path / name


def opened(exported: Exported, task: str, folder: Path) -> TreeModel:
    """Write a task's files and open its trees as serving does."""
    for name, content in exported.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return TreeModel(Folder(folder), task)


def microseconds(explain: Callable[[Rows], object], rows: Rows) -> float:
    """Return the wall time a row of the best of three runs."""
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
        moments = [*plan.before_holdout, plan.holdout]
        data = dataset.build(connection, SqlFolder(SQL), moments, plan.label_days)
    before, holdout = data.at(plan.before_holdout), data.at([plan.holdout])
    value, churned = clv.ClvModel(before, plan, None), churn.ChurnModel(before, plan)
    rows = holdout.matrix[np.random.default_rng(7).permutation(len(holdout.frame))[:SAMPLE]]
    heads = ("model", "by", "same first", "three shared", "correlation", "leaf table us/row", "TreeSHAP us/row")
    table = Table(*heads, title=f"{lake.name}: {len(rows):,} customers")
    with TemporaryDirectory() as folder:
        for task, model, exported in (
            ("clv", value.booster, value.export(before)),
            ("churn", churned.forest, churned.export(before)),
        ):
            booster = model if isinstance(model, xgb.Booster) else treeshap.as_booster(model, rows)
            booster.set_param({"nthread": 1})
            fast = microseconds(opened(exported, task, Path(folder)).contributions, rows)
            slow = microseconds(lambda some, booster=booster: treeshap.exact(booster, some), rows[:500])
            said = treeshap.compare(model, rows, holdout.features)
            for kind in ("by_feature", "by_group"):
                numbers = (f"{said[kind][name]:.3f}" for name in ("same_top", "top3_shared", "correlation"))
                table.add_row(task, kind.removeprefix("by_"), *numbers, f"{fast:.1f}", f"{slow:.1f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])
