"""The plan as one JSON document: what was asked, what came out, how good, and what it hangs on."""

import json
from dataclasses import asdict
from pathlib import Path

from regulars.data.atomic_files import atomic_file
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.totals import as_json, interval, totals
from regulars_workbench.plan.what_if import Flip, Point


def document(plan: Plan, points: list[Point], flips: list[Flip]) -> str:
    """Return the document's text; money in units of currency."""
    profit, low, high = interval(totals(plan))
    used = plan.problem.used(plan.arms.treated)
    units = [plan.scale, *[1.0] * len(plan.problem.capacity)]
    found = plan.arms.solution
    content = {
        "as_of": f"{plan.people.as_of:%Y-%m-%dT%H:%M:%S.%fZ}",
        "horizon_days": plan.people.horizon_days,
        "customers": len(plan.people),
        "margin": plan.margin,
        "cost": plan.spent / plan.scale,
        "expected_profit": profit,
        "low": low,
        "high": high,
        "gap": found.gap,
        "method": found.method,
        "actions": as_json(plan),
        "limits": [
            {"limit": name, "used": one / unit, "of": limit / unit, "price": price * unit / plan.scale}
            for name, one, limit, price, unit in zip(
                plan.limit_names, used.tolist(), plan.problem.limits.tolist(), found.prices.tolist(), units, strict=True
            )
        ],
        "budget_curve": [asdict(one) for one in points],
        "sensitivity": [asdict(one) for one in flips],
        "notes": plan.notes,
    }
    return json.dumps(content, indent=2) + "\n"


def write_text(text: str, out: Path) -> None:
    """Write a text file, atomically."""
    with atomic_file(out) as partial:
        partial.write_text(text, encoding="utf-8")
