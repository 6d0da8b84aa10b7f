"""Tables of `regulars plan`."""

from regulars_workbench import console
from regulars_workbench.plan.explain import explain
from regulars_workbench.plan.plan import Plan
from regulars_workbench.plan.totals import ActionTotal, interval, totals
from regulars_workbench.plan.what_if import Point, Sensitivity, next_step

SENSITIVITIES = 6
"""Largest number of assumptions in the table."""


def print_plan(plan: Plan, points: list[Point], sensitivities: list[Sensitivity]) -> None:
    """Print totals by action, limits with shadow prices, the budget curve, and what the plan depends on."""
    parts = totals(plan)
    _totals(plan, parts)
    _limits(plan)
    _detectable_effects(parts)
    if points:
        curve = [(point.budget, point.profit, point.marginal) for point in points]
        console.table("At other budgets", (">budget", ">expected profit", ">profit of one more unit"), curve)
    if sensitivities:
        rows = [
            (line.assumption, line.moved, line.profit_kept, line.profit_best) for line in sensitivities[:SENSITIVITIES]
        ]
        heads = ("changed assumption", ">money that moves", ">profit of this plan", ">profit of the best plan")
        console.table("What the plan depends on", heads, rows)
    for note in plan.notes:
        console.say(note, "yellow", "note: ")


def print_explained(plan: Plan, customer: str) -> None:
    """Print facts of a customer, and why each action was chosen or not."""
    facts, explanations = explain(plan, customer)
    console.say(f": {'; '.join(facts)}", "bold", customer)
    for line in explanations:
        interval_text = f"({line.low:,.2f} to {line.high:,.2f})"
        profit = f"; expected profit {line.expected_profit:,.2f} {interval_text}; {line.change}"
        console.say(f": {line.verdict}{profit if line.change else ''}", "bold", line.action)


def _totals(plan: Plan, parts: list[ActionTotal]) -> None:
    rows = [
        (
            part.action,
            part.treated,
            part.control,
            part.cost,
            part.expected_profit,
            f"{part.low:,.0f} to {part.high:,.0f}",
        )
        for part in parts
    ]
    profit, low, high = interval(parts)
    treated, control = sum(part.treated for part in parts), sum(part.control for part in parts)
    rows.append(("all", treated, control, plan.spent / plan.scale, profit, f"{low:,.0f} to {high:,.0f}"))
    heads = ("action", ">treated", ">control", ">cost", ">expected profit", ">80 % interval")
    console.table(f"Plan for {len(plan.people):,} customers as of {plan.people.as_of:%Y-%m-%d}", heads, rows)
    solution = plan.arms.solution
    console.say(
        f"Before the control group is drawn, the best choice is at most {solution.gap:.4%} better ({solution.method})"
    )


def _limits(plan: Plan) -> None:
    used = plan.problem.used(plan.arms.treated)
    prices = plan.arms.solution.prices
    rows = [
        (name, amount / unit, limit / unit, price / price_unit)
        for name, amount, limit, price, unit, price_unit in zip(
            plan.limit_names,
            used.tolist(),
            plan.problem.limits.tolist(),
            prices.tolist(),
            [plan.scale, *[1.0] * len(plan.problem.capacity)],
            [1.0, *[plan.scale] * len(plan.problem.capacity)],
            strict=True,
        )
    ]
    console.table("Limits", ("limit", ">used", ">of", ">profit of one more unit"), rows)
    if prices[0] > 0:
        step = next_step(plan)
        console.say(
            f"The next {step:,} of budget brings {step * (1 + prices[0]):,.0f} of margin, "
            f"{step * prices[0]:,.0f} more than it costs"
        )
    elif plan.profit > 0:
        console.say("More budget would bring nothing: all other offers are at capacity or do not pay")


def _detectable_effects(parts: list[ActionTotal]) -> None:
    rows = [
        (part.action, _points(part.minimum_detectable_effect), _points(part.expected_lift), _verdict(part))
        for part in parts
        if part.treated or part.control
    ]
    if rows:
        heads = ("action", ">minimum detectable effect", ">effect expected by the plan", "verdict")
        console.table("What the control group can detect, in percentage points of customers who order", heads, rows)


def _verdict(part: ActionTotal) -> str:
    if part.minimum_detectable_effect is None or part.expected_lift is None:
        return ""
    if part.expected_lift >= part.minimum_detectable_effect:
        return "enough customers"
    return "too few customers: pool several plans, or raise control"


def _points(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f}"
