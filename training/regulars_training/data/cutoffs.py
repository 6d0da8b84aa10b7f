"""The past cutoffs to train on. Splits are by time, never random: labels end before the evaluated period begins."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from regulars.errors import HistoryError
from regulars.instants import midnight_after

STEPS = (1.0, 1.5, 2.0, 2.5)
"""Training cutoffs lie this many label windows before the moment that the model may know."""

YEAR = 365

YEAR_NEEDS_DAYS = 180
"""History needed before the same window of last year: a log that has just begun holds active customers only."""

WEIGHT = 0.8
"""Factor on the weight of rows for each older cutoff."""

SHORTEST_DAYS = 7
"""Labels shorter than a week would teach weekdays."""


@dataclass(frozen=True)
class CutoffPlan:
    """The cutoffs of a training run.

    `holdout` is the newest cutoff with known labels. Models that knew only the time before it are evaluated there.
    """

    as_of: datetime
    horizon_days: int
    label_days: int
    holdout: datetime
    first_order: datetime
    dropped: frozenset[datetime] = frozenset()
    """Cutoffs with too few customers or outcomes to train on."""

    def without(self, cutoffs: Iterable[datetime]) -> "CutoffPlan":
        """Return the plan without these cutoffs."""
        return replace(self, dropped=frozenset(cutoffs))

    @property
    def needed(self) -> tuple[datetime, datetime]:
        """The two cutoffs that every evaluation needs: the holdout, and one training cutoff before it."""
        return self.holdout, self.holdout - timedelta(days=self.label_days)

    @property
    def fit(self) -> tuple[datetime, ...]:
        """Training cutoffs of the final models."""
        return self.before(self.as_of)

    @property
    def before_holdout(self) -> tuple[datetime, ...]:
        """Training cutoffs of the models that are evaluated on the holdout."""
        return self.before(self.holdout)

    def year_before(self, moment: datetime) -> datetime | None:
        """Return the cutoff one year before `moment`; None when the history is too short for it.

        Its labels must end before `moment`, and at least one label window and 180 days of history must lie before it.
        """
        cutoff = moment - timedelta(days=YEAR)
        needed = timedelta(days=max(self.label_days, YEAR_NEEDS_DAYS))
        known = cutoff - self.first_order >= needed and self.label_days <= YEAR
        return cutoff if known and cutoff not in self.dropped else None

    def before(self, moment: datetime) -> tuple[datetime, ...]:
        """Return the training cutoffs for `moment`, newest first; their labels end at or before it.

        At least one label window lies before each. The cutoff one year ago is among them when history allows it.
        """
        cutoffs = set(_before(moment, self.first_order, self.label_days))
        if year := self.year_before(moment):
            cutoffs.add(year)
        return tuple(sorted(cutoffs - self.dropped, reverse=True))

    @property
    def warnings(self) -> list[str]:
        """What the history is too short for, one sentence each."""
        warnings = []
        if self.label_days < self.horizon_days:
            warnings.append(
                f"history is too short for labels of {self.horizon_days} days: learnt on {self.label_days} days and "
                "stretched by each customer's own purchase process; the interval is not corrected on held-out time"
            )
        if self.year_before(self.as_of) is None:
            warnings.append("history does not reach the same window last year: the total has no seasonal correction")
        return warnings

    @property
    def stretch(self) -> float:
        """Horizon over label window; 1 when history is long enough for full labels."""
        return self.horizon_days / self.label_days

    @property
    def cutoffs(self) -> tuple[datetime, ...]:
        """Every cutoff that needs labels, newest first."""
        newest = self.before_holdout[0]
        return tuple(sorted({*self.fit, *self.before_holdout, *self.before(newest)}, reverse=True))


def plan(first_order: datetime, last_order: datetime, as_of: datetime, horizon_days: int) -> CutoffPlan:
    """Place the cutoffs in the history [first_order, as_of).

    Labels are as long as the horizon, or a third of the history if that is shorter: one third for features, one for
    training labels, one held out. HistoryError when `as_of` lies outside the data or the history is too short.
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
            f"{(as_of - first_order).days} days of history before as_of are too short to train and evaluate; "
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
    """Return the cutoffs with labels that end by `moment`, and with at least one label window before them."""
    cutoffs = (moment - timedelta(days=round(step * label_days)) for step in STEPS)
    return tuple(cutoff for cutoff in cutoffs if cutoff - first_order >= timedelta(days=label_days))
