"""The plan: offers valued, allocated, and split into treated and control."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.actions.catalogue import Catalogue
from regulars.actions.effects import EffectSource
from regulars.actions.recommend import acceptable
from regulars.actions.shadow_prices import ShadowPrices
from regulars.actions.value import Worth, gains, worth
from regulars.errors import CatalogueError
from regulars_workbench.plan.arms import Arms, with_control
from regulars_workbench.plan.inputs import People
from regulars_workbench.plan.solver.problem import Floats, Problem


@dataclass(frozen=True)
class Plan:
    """A plan for `people`: money in minor units, arrays of shape (actions, customers)."""

    catalogue: Catalogue
    people: People
    sources: Mapping[str, EffectSource]
    margin: float
    problem: Problem
    gain: Floats
    arms: Arms
    notes: tuple[str, ...]

    @property
    def scale(self) -> float:
        """Minor units of one unit of currency."""
        return 10.0**self.catalogue.plan.minor_units

    @property
    def limit_names(self) -> list[str]:
        """Names of the problem's limits, in its order."""
        channels = [f"channel {channel.name}" for channel in self.catalogue.channel]
        return [
            "budget",
            *channels,
            *(f"action {action.name}" for action in self.catalogue.action if action.capacity is not None),
        ]

    @property
    def profit(self) -> float:
        """Expected profit of the treated, after cost."""
        return self.problem.brought(self.arms.treated)

    @property
    def spent(self) -> float:
        """Cost of the treated."""
        return float(self.problem.used(self.arms.treated)[0])

    def worth(self, action: int, customers: npt.NDArray[np.int64]) -> Worth:
        """Return the worth of an action for some customers, with intervals."""
        part = self.people.part(customers)
        effect = self.sources[self.catalogue.actions[action]].of(part, len(customers))
        return worth(part, effect, self.people.offers.cost[action, customers], self.margin, self.scale)

    def prices(self) -> ShadowPrices:
        """Return the shadow prices, by which one customer at a time can be decided."""
        prices = self.arms.solution.prices
        action_prices = prices[1:] @ self.problem.mask
        return ShadowPrices(
            as_of=self.people.as_of,
            horizon_days=self.people.horizon_days,
            margin=self.margin,
            catalogue=self.catalogue,
            budget=float(prices[0]),
            actions=dict(zip(self.catalogue.actions, action_prices.tolist(), strict=True)),
        )


def make_plan(catalogue: Catalogue, people: People, sources: Mapping[str, EffectSource], budget: float) -> Plan:
    """Value every offer, choose within the budget (units of currency), and draw the control group."""
    margin = catalogue.plan.margin or people.lake_margin
    if margin is None:
        raise CatalogueError(
            "[plan]: margin is missing; give the margin as a share of revenue, as in margin = 0.3, or use --lake for "
            "the margin of its orders"
        )
    scale = 10.0**catalogue.plan.minor_units
    gain = value_offers(catalogue, people, sources, margin)
    problem = make_problem(catalogue, people, gain, np.floor(budget * scale + 1e-6))
    arms = with_control(problem, people.strata, people.draws, catalogue.actions, catalogue.plan.control)
    notes = (*_other_horizons(sources, people.horizon_days), *_notes(catalogue, people, problem, arms))
    return Plan(catalogue, people, sources, margin, problem, gain, arms, notes)


def value_offers(catalogue: Catalogue, people: People, sources: Mapping[str, EffectSource], margin: float) -> Floats:
    """Return the expected extra margin of each action for each customer."""
    gain = np.empty_like(people.offers.cost)
    for at, name in enumerate(catalogue.actions):
        effect = sources[name].of(people.columns, len(people))
        gain[at] = gains(people.columns, effect, margin, 10.0**catalogue.plan.minor_units)
    return gain


def make_problem(catalogue: Catalogue, people: People, gain: Floats, budget: float) -> Problem:
    """Return the allocation problem of all offers that are eligible, profitable, and reach the minimum return."""
    limited = [action for action in catalogue.action if action.capacity is not None]
    mask = [[action.channel == channel.name for action in catalogue.action] for channel in catalogue.channel]
    mask += [[action.name == counted.name for action in catalogue.action] for counted in limited]
    capacity = [*(channel.capacity for channel in catalogue.channel), *(action.capacity for action in limited)]
    offers = people.offers
    return Problem(
        profit=acceptable(gain, offers.cost, offers.eligible, catalogue.plan.min_return),
        cost=offers.cost,
        budget=budget,
        mask=np.array(mask, dtype=bool).reshape(len(mask), len(catalogue.action)),
        capacity=np.array(capacity, dtype=np.float64),
        per_customer=catalogue.plan.per_customer,
    )


def _other_horizons(sources: Mapping[str, EffectSource], days: int) -> list[str]:
    """Name the effects that were learnt over another horizon than the scores'."""
    return [
        f"the effect of {name} was learnt over {learnt} days, the scores are for {days}; its profit is for {learnt}"
        for name, source in sources.items()
        if (learnt := getattr(source, "horizon_days", days)) != days
    ]


def _notes(catalogue: Catalogue, people: People, problem: Problem, arms: Arms) -> tuple[str, ...]:
    """Return what a reader must know before using the plan."""
    notes = []
    with_cooldown = [action.name for action in catalogue.action if action.cooldown_days]
    if with_cooldown and not people.knows_treatments:
        notes.append(f"the cooldown of {', '.join(with_cooldown)} was ignored: give --lake, which has past treatments")
    if not np.any(arms.treated):
        notes.append(_why_empty(people, problem))
    for at, name in enumerate(catalogue.actions):
        count = np.count_nonzero(arms.treated[at]) + np.count_nonzero(arms.control[at])
        if count and catalogue.plan.control and not np.any(arms.control[at]):
            notes.append(
                f"{name} has no control: {count} customers are too few for a share of {catalogue.plan.control:.0%}"
            )
    if catalogue.plan.per_customer > 1:
        notes.append("effects of several actions on one customer are assumed to add up")
    return tuple(notes)


def _why_empty(people: People, problem: Problem) -> str:
    if not len(people):
        why = "the scores have no customer"
    elif not np.any(people.offers.eligible):
        why = "no customer is eligible for any action"
    elif not np.any(problem.profit > 0):
        why = "no action is expected to bring its cost and the minimum return"
    elif problem.budget <= 0:
        why = "the budget is 0"
    else:
        why = "no action fits in the budget and the capacities"
    return f"the plan is empty: {why}"
