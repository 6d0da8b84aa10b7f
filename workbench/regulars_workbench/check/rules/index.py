"""All rules by name, and how a count becomes a finding."""

from collections.abc import Sequence

from regulars_workbench.check.report import Finding, Severity
from regulars_workbench.check.rules.orders import ORDER_RULES
from regulars_workbench.check.rules.rule import Rule
from regulars_workbench.check.rules.tables import TABLE_RULES

RULES: dict[str, Rule] = ORDER_RULES | TABLE_RULES
EXAMPLES = 2


def findings_of(  # noqa: PLR0913 - one plain fact each, given by name
    name: str,
    table: str,
    count: int,
    examples: Sequence[object] = (),
    *,
    of: int | None = None,
    detail: str = "",
    severity: Severity | None = None,
) -> list[Finding]:
    """Return one finding when `count` of `of` rows or customers break the rule, else none.

    `detail` follows the rule's own text; `severity` replaces the rule's.
    """
    rule = RULES[name]
    if not count:
        return []
    return [
        Finding(
            name=name,
            severity=severity or rule.severity,
            table=table,
            what=f"{rule.what}{detail}",
            count=count,
            share=count / of if of else None,
            examples=[str(example) for example in dict.fromkeys(examples) if example is not None][:EXAMPLES],
            why=rule.why,
            next_step=rule.next_step,
        )
    ]
