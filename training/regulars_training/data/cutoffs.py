"""Which moments in the past to learn from: never a random split, always labels that end before what is judged."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from regulars.errors import HistoryError
from regulars.instants import midnight_after

STEPS = (1.0, 1.5, 2.0, 2.5)
"""Training cutoffs lie this many label lengths before the moment that the model may know."""

YEAR = 365

YEAR_NEEDS_DAYS = 180
"""What must lie before the same window of last year: a log that has just begun holds active customers only."""

WEIGHT = 0.8
"""Each step further back weighs this much less."""

SHORTEST_DAYS = 7
"""Labels shorter than a week would learn weekdays."""


@dataclass(frozen=True)
class CutoffPlan:
    """The moments of a training run.

    `holdout` is the newest moment whose labels are known: it is judged by models that knew only what was before it.
    """

    as_of: datetime
    horizon_days: int
    label_days: int
    holdout: datetime
    first_order: datetime
    dropped: frozenset[datetime] = frozenset()
    """Cutoffs at which too little had happened to learn from."""

    def without(self, cutoffs: Iterable[datetime]) -> "CutoffPlan":
        """Return the plan that does without these cutoffs."""
        return replace(self, dropped=frozenset(cutoffs))

    @property
    def needed(self) -> tuple[datetime, datetime]:
        """The two cutoffs without which nothing can be judged: the holdout, and the one to learn from before it."""
        return self.holdout, self.holdout - timedelta(days=self.label_days)

    @property
    def fit(self) -> tuple[datetime, ...]:
        """The cutoffs of the final models."""
        return self.before(self.as_of)

    @property
    def before_holdout(self) -> tuple[datetime, ...]:
        """The cutoffs of the models that are judged on the holdout."""
        return self.before(self.holdout)

    def year_before(self, moment: datetime) -> datetime | None:
        """Return the cutoff of the same window one year before `moment`; None where the history does not reach.

        Its labels must end before `moment`, and one label length, or half a year, must lie behind it.
        """
        cutoff = moment - timedelta(days=YEAR)
        needed = timedelta(days=max(self.label_days, YEAR_NEEDS_DAYS))
        known = cutoff - self.first_order >= needed and self.label_days <= YEAR
        return cutoff if known and cutoff not in self.dropped else None

    def before(self, moment: datetime) -> tuple[datetime, ...]:
        """Return the cutoffs to learn from at `moment`, newest first; their labels end at or before it.

        One label length lies behind each; the same window of last year is among them where history reaches it.
        """
        found = set(_before(moment, self.first_order, self.label_days))
        if year := self.year_before(moment):
            found.add(year)
        return tuple(sorted(found - self.dropped, reverse=True))

    @property
    def warnings(self) -> list[str]:
        """What the history was too short for."""
        said = []
        if self.label_days < self.horizon_days:
            said.append(
                f"history is too short for labels of {self.horizon_days} days: learnt on {self.label_days} days and "
                "stretched by each customer's own purchase process; the interval is not corrected on held-out time"
            )
        if self.year_before(self.as_of) is None:
            said.append("history does not reach the same window last year: the total is not set to the season")
        return said

    @property
    def stretch(self) -> float:
        """How many label windows the horizon holds; 1 when history is long enough for full labels."""
        return self.horizon_days / self.label_days

    @property
    def cutoffs(self) -> tuple[datetime, ...]:
        """Every moment at which labels are needed, newest first."""
        judged = self.before_holdout[0]
        return tuple(sorted({*self.fit, *self.before_holdout, *self.before(judged)}, reverse=True))


def plan(first_order: datetime, last_order: datetime, as_of: datetime, horizon_days: int) -> CutoffPlan:
    """Place the cutoffs in the history [first_order, as_of).

    Labels are as long as the horizon, or a third of the history where that is shorter: a third to see, a third to
    label for learning, a third held out. HistoryError when `as_of` lies outside the data or the history is too short.
    """
    if horizon_days < SHORTEST_DAYS:
        raise HistoryError(f"a horizon of {horizon_days} days is shorter than a week; ask for {SHORTEST_DAYS} or more")
    if as_of <= first_order:
        raise HistoryError(
            f"as_of {as_of:%Y-%m-%d} is not after the first order ({first_order:%Y-%m-%d}); choose a later one"
        )
    latest = midnight_after(last_order)
    if as_of > latest:
        raise HistoryError(
            f"as_of {as_of:%Y-%m-%d} lies beyond the last order ({last_order:%Y-%m-%d}): labels would be cut short; "
            f"the latest possible is {latest:%Y-%m-%d}"
        )
    label_days = min(horizon_days, (as_of - first_order).days // 3)
    if label_days < SHORTEST_DAYS:
        raise HistoryError(
            f"{(as_of - first_order).days} days of history before as_of are too short to learn from and to check; "
            f"bring at least {3 * SHORTEST_DAYS}"
        )
    known = as_of.date() - first_order.date()
    if horizon_days > known.days:
        raise HistoryError(
            f"a horizon of {horizon_days} days is longer than the history: {known.days} days before as_of; "
            f"ask for a --horizon of {known.days} or fewer, or bring more history"
        )
    holdout = as_of - timedelta(days=label_days)
    return CutoffPlan(
        as_of=as_of,
        horizon_days=horizon_days,
        label_days=label_days,
        holdout=holdout,
        first_order=first_order,
    )


def _before(moment: datetime, first_order: datetime, label_days: int) -> tuple[datetime, ...]:
    """Return the cutoffs whose labels end at or before `moment` and that have at least one label length behind them."""
    cutoffs = (moment - timedelta(days=round(step * label_days)) for step in STEPS)
    return tuple(cutoff for cutoff in cutoffs if cutoff - first_order >= timedelta(days=label_days))
