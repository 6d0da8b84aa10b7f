"""One loader per process: it opens each model once, at first use, whatever the number of threads."""

import threading
from functools import cache

from regulars.models.bundle import Bundle
from regulars.models.tasks import TASKS, Predictor
from regulars.settings import settings

_FIRST = threading.Lock()


class ModelLoader:
    """The predictors of one bundle, by task name."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._models: dict[str, Predictor] = {}
        self._lock = threading.Lock()

    @property
    def loaded(self) -> list[str]:
        """Return the tasks whose models are open."""
        return sorted(self._models)

    def __getitem__(self, task: str) -> Predictor:
        """Return the predictor of `task`; the first use opens it."""
        with self._lock:
            if task not in self._models:
                self._models[task] = TASKS[task].load(self.bundle)
            return self._models[task]


@cache
def _process_loader() -> ModelLoader:
    return ModelLoader(Bundle(settings().bundle))


def process_loader() -> ModelLoader:
    """Return this process's loader, of the bundle that the settings name."""
    with _FIRST:  # with @cache alone, threads that start together would each make a loader
        return _process_loader()
