"""Runs the handler of a function folder on this machine."""

import json
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regulars.errors import RegularsError, SourceError


@dataclass
class LocalContext:
    """The part of Lambda's context object that the handlers read."""

    function_name: str
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:local"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


def invoke(folder: Path, event: Path | None = None) -> dict[str, Any]:
    """Return the answer of the handler in `folder` to an event, with its JSON body parsed.

    SourceError: there is no such function, the event is not JSON, or the handler cannot read it.
    """
    app = folder / "app.py"
    if not app.exists():
        known = ", ".join(sorted(path.parent.name for path in folder.parent.glob("*/app.py")))
        raise SourceError(f"no function {folder.name}; there are {known}")
    file = event or folder / "event.json"
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"{file} cannot be read as a JSON event: {error}") from error
    handler = runpy.run_path(str(app))["handler"]
    try:
        answer: dict[str, Any] = handler(content, LocalContext(folder.name))
    except RegularsError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise SourceError(f"{folder.name} does not take the event {file} ({cause}); see its event.json") from error
    if isinstance(answer.get("body"), str):
        answer["body"] = json.loads(answer["body"])
    return answer
