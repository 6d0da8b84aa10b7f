"""The form of a rule."""

from dataclasses import dataclass

from regulars_workbench.check.report import Severity


@dataclass(frozen=True)
class Rule:
    """One kind of finding. `what` names the rows or customers that are counted."""

    severity: Severity
    what: str
    why: str
    next_step: str
