"""The plan as one JSON document: totals, limits with shadow prices, budget curve, and sensitivity."""

import json
from dataclasses import asdict
from pathlib import Path

from regulars.data.atomic_files import atomic_file
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.totals import interval, totals, totals_to_dict
from regulars_workbench.plan.what_if import Point, Sensitivity


def document(plan: Plan, points: list[Point], sensitivities: list[Sensitivity]) -> str:
    """Return the document as text. Money is in units of currency."""
    profit, low, high = interval(totals(plan))
    used = plan.problem.used(plan.arms.treated)
    units = [plan.scale, *[1.0] * len(plan.problem.capacity)]
    solution = plan.arms.solution
    content = {
        "as_of": f"{plan.people.as_of:%Y-%m-%dT%H:%M:%S.%fZ}",
        "horizon_days": plan.people.horizon_days,
        "customers": len(plan.people),
        "margin": plan.valuation.margin,
        "cost": plan.spent / plan.scale,
        "expected_profit": profit,
        "low": low,
        "high": high,
        "gap": solution.gap,
        "method": solution.method,
        "actions": totals_to_dict(plan),
        "limits": [
            {"limit": name, "used": amount / unit, "of": limit / unit, "price": price * unit / plan.scale}
            for name, amount, limit, price, unit in zip(
                plan.limit_names,
                used.tolist(),
                plan.problem.limits.tolist(),
                solution.prices.tolist(),
                units,
                strict=True,
            )
        ],
        "budget_curve": [asdict(point) for point in points],
        "sensitivity": [asdict(line) for line in sensitivities],
        "notes": plan.notes,
    }
    return json.dumps(content, indent=2) + "\n"


def write_text(text: str, out: Path) -> None:
    """Write a text file, atomically."""
    with atomic_file(out) as partial:
        partial.write_text(text, encoding="utf-8")
