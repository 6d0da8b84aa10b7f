"""The state machine's steps."""

from collections.abc import Callable
from typing import Any

from regulars.batch.clock import Clock
from regulars.loader import ModelLoader

Step = Callable[[dict[str, Any], ModelLoader, Clock], dict[str, Any]]
STEPS: dict[str, Step] = {}
