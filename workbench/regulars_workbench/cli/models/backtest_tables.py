"""Tables and JSON of a backtest."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regulars.data.atomic_files import atomic_file
from regulars_training.backtest import OURS
from regulars_workbench import console

VALUE = {
    "RMSE": "rmse",
    "MAE": "mae",
    "Gini": "gini",
    "top-10% share": "top_decile_share",
    "total bias %": "bias_percent",
}
CHURN = {"ROC-AUC": "roc_auc", "PR-AUC": "pr_auc", "Brier": "brier"}


def show_results(results: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of value and a table of churn for each cutoff. ± is one bootstrap standard error."""
    for result in results:
        title = f"{result['as_of']} + {result['horizon_days']} days, {result['customers']:,} customers"
        _table(f"Value, {title}, mean {result['mean_value']:,.2f}", result["value"], VALUE)
        ours = result["value"][OURS]
        console.say(
            f"MAE of the median {ours['mae_median']:,.2f}; the 80 % interval covers {ours['coverage']:.1%}; "
            f"RMSE of orders {ours['orders_rmse']:.2f}"
        )
        _table(f"Churn, {title}, rate {result['churn_rate']:.3f}", result["churn"], CHURN)
        _deciles(result)


def _table(title: str, models: Mapping[str, Any], measures: Mapping[str, str]) -> None:
    rows = [(name, *(_with_error(model, measure) for measure in measures.values())) for name, model in models.items()]
    console.table(title, ("model", *(f">{head}" for head in measures)), rows)


def _with_error(model: Mapping[str, Any], measure: str) -> str:
    if measure not in model:
        return "-"
    value, error = model[measure], model["errors"][measure]
    places = 3 if abs(value) < 1 else 2 if abs(value) < 100 else 0  # noqa: PLR2004 - three significant places or so
    return f"{value:,.{places}f} ± {error:,.{places}f}"


def _deciles(result: Mapping[str, Any]) -> None:
    value, churn = result["value"][OURS]["deciles"], result["churn"][OURS]["deciles"]
    rows = [(number, *value[number - 1], *churn[number - 1]) for number in range(1, min(len(value), len(churn)) + 1)]
    heads = (">decile by prediction", ">predicted value", ">actual", ">predicted churn", ">actual")
    console.table("Calibration", heads, rows)


def write(results: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Write all numbers as JSON, atomically."""
    with atomic_file(file) as partial:
        partial.write_text(json.dumps(list(results), indent=1) + "\n", encoding="utf-8")
