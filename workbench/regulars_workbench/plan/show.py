"""Tables for people: what `regulars plan` prints."""

from regulars_workbench import console
from regulars_workbench.plan.explain import explain
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.totals import ActionTotal, interval, totals
from regulars_workbench.plan.what_if import Flip, Point, next_step

FLIPS = 6


def print_plan(plan: Plan, points: list[Point], flips: list[Flip]) -> None:
    """Print totals by action, the limits and their prices, the curve, and what the plan hangs on."""
    parts = totals(plan)
    _totals(plan, parts)
    _limits(plan)
    _lift(parts)
    if points:
        curve = [(one.budget, one.profit, one.marginal) for one in points]
        console.table("At other budgets", (">budget", ">expected profit", ">profit of one more"), curve)
    if flips:
        hangs = [(one.assumption, one.moved, one.profit_kept, one.profit_best) for one in flips[:FLIPS]]
        heads = ("if it were otherwise", ">money that moves", ">profit of this plan", ">of the best one")
        console.table("What the plan hangs on", heads, hangs)
    for note in plan.notes:
        console.say(note, "yellow", "note: ")


def print_explained(plan: Plan, customer: str) -> None:
    """Print who a customer is, and why each action was chosen for them or not."""
    facts, lines = explain(plan, customer)
    console.say(f": {'; '.join(facts)}", "bold", customer)
    for one in lines:
        profit = f"; expected profit {one.expected_profit:,.2f} ({one.low:,.2f} to {one.high:,.2f}); {one.change}"
        console.say(f": {one.verdict}{profit if one.change else ''}", "bold", one.action)


def _totals(plan: Plan, parts: list[ActionTotal]) -> None:
    rows = [
        (one.action, one.treated, one.control, one.cost, one.expected_profit, f"{one.low:,.0f} to {one.high:,.0f}")
        for one in parts
    ]
    profit, low, high = interval(parts)
    treated, control = sum(one.treated for one in parts), sum(one.control for one in parts)
    rows.append(("all", treated, control, plan.spent / plan.scale, profit, f"{low:,.0f} to {high:,.0f}"))
    heads = ("action", ">treated", ">control", ">cost", ">expected profit", ">80 % interval")
    console.table(f"Plan for {len(plan.people):,} customers as of {plan.people.as_of:%Y-%m-%d}", heads, rows)
    found = plan.arms.solution
    console.say(f"Before the control was drawn, no choice would bring over {found.gap:.4%} more ({found.method})")


def _limits(plan: Plan) -> None:
    used = plan.problem.used(plan.arms.treated)
    prices = plan.arms.solution.prices
    rows = [
        (name, one / unit, limit / unit, price / other)
        for name, one, limit, price, unit, other in zip(
            plan.limit_names,
            used.tolist(),
            plan.problem.limits.tolist(),
            prices.tolist(),
            [plan.scale, *[1.0] * len(plan.problem.capacity)],
            [1.0, *[plan.scale] * len(plan.problem.capacity)],
            strict=True,
        )
    ]
    console.table("Limits", ("limit", ">used", ">of", ">profit of one more"), rows)
    if prices[0] > 0:
        step = next_step(plan)
        console.say(
            f"The next {step:,} of budget brings {step * (1 + prices[0]):,.0f} of margin, "
            f"{step * prices[0]:,.0f} beyond itself"
        )
    elif plan.profit > 0:
        console.say("More budget would bring nothing: every other offer is at its capacity or does not pay")


def _lift(parts: list[ActionTotal]) -> None:
    rows = [
        (one.action, _points(one.smallest_lift), _points(one.expected_lift), _verdict(one))
        for one in parts
        if one.treated or one.control
    ]
    if rows:
        heads = ("action", ">smallest lift it can show", ">lift that the plan counts on", "")
        console.table("What the control group can show, in points of the share that orders", heads, rows)


def _verdict(one: ActionTotal) -> str:
    if one.smallest_lift is None or one.expected_lift is None:
        return ""
    return "enough" if one.expected_lift >= one.smallest_lift else "too few to show it: pool plans, or raise control"


def _points(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f}"
