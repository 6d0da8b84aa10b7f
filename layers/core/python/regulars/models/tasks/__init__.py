"""The index of tasks: a new task is a module here and an entry in TASKS."""

from typing import cast

from regulars.models.tasks import churn, clv, segment
from regulars.models.tasks.base import Prediction, Predictor, Result, Task

TASKS: dict[str, Task] = {module.NAME: cast("Task", module) for module in (clv, churn, segment)}

__all__ = ["TASKS", "Prediction", "Predictor", "Result", "Task"]
