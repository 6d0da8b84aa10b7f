"""The plan: offers valued, allocated, and split into treated and control."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.actions.catalogue import Catalogue
from regulars.actions.effects.effect import EffectSource
from regulars.actions.offers import Offers
from regulars.actions.shadow_prices import ShadowPrices
from regulars.actions.valuation import Valuation, ValuedAction
from regulars.errors import CatalogueError
from regulars_workbench.plan.arms import Arms, with_control
from regulars_workbench.plan.inputs import People
from regulars_workbench.plan.solver.problem import Floats, Problem


@dataclass(frozen=True)
class Plan:
    """A plan for `people`: money in minor units, arrays of shape (actions, customers)."""

    valuation: Valuation
    people: People
    problem: Problem
    gain: Floats
    arms: Arms
    notes: tuple[str, ...]

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the valuation."""
        return self.valuation.catalogue

    @property
    def scale(self) -> float:
        """Minor units of one unit of currency."""
        return self.valuation.scale

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

    def valued(self, action: int, customers: npt.NDArray[np.int64]) -> ValuedAction:
        """Return an action's worth for some customers, with intervals and reasons."""
        return self.valuation.valued(action, self.people.part(customers), self.people.offers.cost[action, customers])

    def prices(self) -> ShadowPrices:
        """Return the shadow prices, by which one customer at a time can be decided."""
        prices = self.arms.solution.prices
        action_prices = prices[1:] @ self.problem.mask
        return ShadowPrices(
            as_of=self.people.as_of,
            horizon_days=self.people.horizon_days,
            margin=self.valuation.margin,
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
    valuation = Valuation(catalogue, sources, margin)
    gain = valuation.gains(people.columns)
    problem = make_problem(valuation, people.offers, gain, np.floor(budget * valuation.scale + 1e-6))
    arms = with_control(problem, people.strata, people.draws, catalogue.actions, catalogue.plan.control)
    notes = (*_other_horizons(sources, people.horizon_days), *_notes(catalogue, people, problem, arms))
    return Plan(valuation, people, problem, gain, arms, notes)


def make_problem(valuation: Valuation, offers: Offers, gain: Floats, budget: float) -> Problem:
    """Return the allocation problem of all offers that are eligible, profitable, and reach the minimum return."""
    catalogue = valuation.catalogue
    limited = [action for action in catalogue.action if action.capacity is not None]
    mask = [[action.channel == channel.name for action in catalogue.action] for channel in catalogue.channel]
    mask += [[action.name == counted.name for action in catalogue.action] for counted in limited]
    capacity = [*(channel.capacity for channel in catalogue.channel), *(action.capacity for action in limited)]
    return Problem(
        profit=valuation.profits(gain, offers),
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
