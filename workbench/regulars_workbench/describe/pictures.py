"""The pictures by name. Each function returns a chart, or None when the history is too short."""

from collections.abc import Callable

from regulars_workbench.describe import by_customer, by_month, by_order
from regulars_workbench.describe.relations import Description
from regulars_workbench.describe.style import Chart

PICTURES: dict[str, Callable[[Description], Chart | None]] = {
    "monthly_revenue": by_month.monthly_revenue,
    "customers_by_month": by_month.customers_by_month,
    "concentration": by_customer.concentration,
    "segments": by_customer.segments,
    "rfm_grid": by_customer.rfm_grid,
    "retention": by_month.retention,
    "cohort_value": by_month.cohort_value,
    "repeats": by_order.repeats,
    "gaps": by_order.gaps,
}
