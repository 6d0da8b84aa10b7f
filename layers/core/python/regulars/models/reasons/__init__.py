"""Why a customer has its score: effects in the answer's unit, by group of features, in words."""

from regulars.models.reasons.explainer import Explainer, Reason, Reasons
from regulars.models.reasons.groups import GROUPS, PURCHASE_HISTORY, group_of
from regulars.models.reasons.units import Effects, in_answer_units

__all__ = ["GROUPS", "PURCHASE_HISTORY", "Effects", "Explainer", "Reason", "Reasons", "group_of", "in_answer_units"]
