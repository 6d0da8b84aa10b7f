"""One loader per process: it opens each model once, when first asked for, whatever the number of threads."""

import threading
from functools import cache

from regulars.models.bundle import Bundle
from regulars.models.tasks import TASKS, Predictor
from regulars.settings import settings

_FIRST = threading.Lock()


class ModelLoader:
    """Predictors by task name, over one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._models: dict[str, Predictor] = {}
        self._lock = threading.Lock()

    @property
    def loaded(self) -> list[str]:
        """Return the names of the tasks whose models are open."""
        return sorted(self._models)

    def __getitem__(self, task: str) -> Predictor:
        """Return the predictor of `task`, opening it now if nobody asked before."""
        with self._lock:
            if task not in self._models:
                self._models[task] = TASKS[task].load(self.bundle)
            return self._models[task]


@cache
def _process_loader() -> ModelLoader:
    return ModelLoader(Bundle(settings().bundle))


def process_loader() -> ModelLoader:
    """Return this process's loader, over the bundle that the settings name."""
    with _FIRST:  # a cache alone makes one for each thread that asks before the first is made
        return _process_loader()
