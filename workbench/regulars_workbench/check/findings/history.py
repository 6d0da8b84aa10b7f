"""Whether the history is enough to train: the cutoffs and rules of training, counted without features."""

from datetime import datetime, timedelta

from regulars.errors import HistoryError
from regulars.instants import as_of_params
from regulars_training.data import cutoffs, dataset
from regulars_workbench.check.counts import Counts
from regulars_workbench.check.report import Cutoff, History

SHORTER_DAYS = (365, 180, 90, 60, 30, 14, 7)
"""Horizons to try when the one asked for is not possible."""


def judge(counts: Counts, as_of: datetime | None, horizon_days: int) -> History:
    """Place the cutoffs as training does; check that each has enough customers and both outcomes."""
    facts = History(horizon_days=horizon_days, sufficient=False)
    try:
        first, last = dataset.history(counts.connection)
        moment = as_of or last  # with an order there is an as_of
        spans = {"first_order": first, "last_order": last, "span_days": max(0, (moment - first).days)}
        facts = facts.model_copy(update=spans)
        plan = cutoffs.plan(first, last, moment, horizon_days)
    except HistoryError as error:
        return facts.model_copy(update={"reasons": [str(error)]})
    outcomes, reasons = _outcomes(counts, plan)
    shortened = plan.label_days < horizon_days
    sufficient = not reasons and not shortened
    return facts.model_copy(
        update={
            "sufficient": sufficient,
            "supported_days": horizon_days if sufficient else _supported(counts, plan, reasons),
            "season": plan.year_before(plan.as_of) is not None,
            "cutoffs": outcomes,
            "reasons": [*(plan.warnings[:1] if shortened else []), *reasons],
            "notes": plan.warnings[1:] if shortened else plan.warnings,
        }
    )


def _outcomes(counts: Counts, plan: cutoffs.CutoffPlan) -> tuple[list[Cutoff], list[str]]:
    """Count customers and outcomes of each cutoff; return the counts, and why training would refuse."""
    outcomes, reasons = [], []
    for moment in plan.cutoffs:
        end = moment + timedelta(days=plan.label_days)
        params = {"as_of": as_of_params(moment)["as_of"], "label_end": as_of_params(end)["as_of"]}
        row = counts.row("cutoff_outcomes", params)
        refusal = dataset.why_thin(row["customers"], row["stayed"], moment, plan.label_days)
        reasons += [refusal] if refusal else []
        outcomes.append(Cutoff(at=moment, label_days=plan.label_days, enough=refusal is None, **row))
    return outcomes, reasons


def _supported(counts: Counts, plan: cutoffs.CutoffPlan, reasons: list[str]) -> int | None:
    """Return the longest shorter horizon that every cutoff supports."""
    if not reasons:
        return plan.label_days
    for days in SHORTER_DAYS:
        if days < plan.label_days:
            shorter = cutoffs.plan(plan.first_order, plan.as_of, plan.as_of, days)
            if not _outcomes(counts, shorter)[1]:
                return days
    return None
