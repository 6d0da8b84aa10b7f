"""The JSON of responses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from regulars.api.contract.responses import PROFILE, REASONS, Models, tasks_of
from regulars.api.online import Scored
from regulars.errors import LimitError
from regulars.models.bundle import Manifest
from regulars.models.tasks import TASKS
from regulars.settings import settings


def _task_results(scored: Scored, task: str) -> list[dict[str, Any]]:
    """Return a task's results for every row, with reasons where the task has them."""
    results = scored.fields(task)
    if REASONS in TASKS[task].Answer.model_fields:
        for result in results:
            reasons = result.setdefault(REASONS, [])
            result["reasons_base"] = getattr(reasons, "base", None)
            result["reasons_rest"] = getattr(reasons, "rest", None)
    return results


def _results(scored: Scored, route: str) -> list[dict[str, Any]]:
    by_task = {task: _task_results(scored, task) for task in tasks_of(route)}
    ids = scored.table.customer_ids.tolist()
    if route != PROFILE:
        return [{"customer_id": ids[row], **by_task[route][row]} for row in scored.rows]
    return [
        {"customer_id": ids[row], **scored.rfm(row), **{task: rows[row] for task, rows in by_task.items()}}
        for row in scored.rows
    ]


def response_body(
    scored: Scored, route: str, manifest: Manifest, as_of: datetime, advice: list[dict[str, Any]] | None = None
) -> bytes:
    """Return a response's JSON; `advice` is the results of /recommend. LimitError: it is too long for Lambda."""
    body = to_json(
        {
            "bundle": manifest.bundle,
            "as_of": as_of,
            "horizon_days": manifest.horizon_days,
            "results": _results(scored, route) if advice is None else advice,
            "rejected": scored.rejected,
        }
    )
    refuse_too_long(body, "the response", "send fewer customers at once, or ask for fewer reasons")
    return body


def models_body(manifest: Manifest, loaded: Sequence[str]) -> bytes:
    """Return the JSON of GET /v1/models."""
    fields = {name: getattr(manifest, name) for name in Models.model_fields if name != "loaded"}
    return Models(**fields, loaded=list(loaded)).model_dump_json().encode()


def refuse_too_long(body: bytes, name: str, advice: str) -> None:
    """Raise LimitError for a body above the limit, in bytes as Lambda transports it: a JSON string."""
    limit = settings().max_bytes
    length = len(body) + body.count(b'"') + body.count(b"\\") + body.count(b"\n")
    if length > limit:
        raise LimitError(
            f"{name} has {length} bytes with its quotes escaped, the limit is {limit}; {advice}", "max_bytes", limit
        )
