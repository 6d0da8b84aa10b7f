"""The HTTP side: a FastAPI app from the routes that a function serves, and its Lambda handler."""

import asyncio
import threading
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation, create_model

from regulars import __version__, problems
from regulars.loader import process_loader
from regulars.observability import Handler, count_customers, instrumented
from regulars.online import Scored, score_request
from regulars.requests import Customer, Rejected, UtcInstant
from regulars.tasks import TASKS, Result

PROFILE = "profile"
ROUTES = (*TASKS, PROFILE)

TEXT = ["text/", "application/json", "application/problem+json"]
"""What goes out as text; Mangum would send the rest in base64."""

EXAMPLE: dict[str, JsonValue] = {
    "as_of": "2026-06-30T00:00:00Z",
    "customers": [
        {
            "customer_id": "C1",
            "signed_up_at": "2024-02-01",
            "acquisition_cost": 18.0,
            "orders": [{"ordered_at": "2026-03-02T10:00:00Z", "order_value": 42.5}],
            "events": [{"occurred_at": "2026-05-01T08:00:00Z", "kind": "email_open"}],
        }
    ],
}


class ScoringRequest(BaseModel):
    """Customers with their histories, and the instant at which to look at them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    as_of: UtcInstant = Field(description="rows at or after it are not looked at; UTC unless it has an offset")
    customers: list[SkipValidation[Customer]] = Field(
        min_length=1, description="each is checked by itself: a bad one is rejected alone"
    )


class Answered(BaseModel):
    """What every answer says beside its results."""

    bundle: str = Field(description="the models and the SQL that answered")
    as_of: datetime
    horizon_days: int
    rejected: list[Rejected]


class Profile(Result):
    """All answers for one customer, and the RFM scores (5 is best)."""

    recency_score: int = Field(ge=1, le=5)
    frequency_score: int = Field(ge=1, le=5)
    monetary_score: int = Field(ge=1, le=5)
    rfm_cell: int = Field(ge=111, le=555, description="the three scores as digits")


def _profile(scored: Scored, row: int) -> dict[str, Any]:
    return scored.rfm(row) | {task: scored.answer(row, task) for task in TASKS}


def _route(app: FastAPI, name: str) -> None:
    """Add POST /<name>: one task, or all of them for a profile."""
    tasks = list(TASKS) if name == PROFILE else [name]
    result = PROFILE_RESULT if name == PROFILE else TASKS[name].Answer
    response = create_model(f"{name.capitalize()}Response", __base__=Answered, results=(list[result], ...))  # type: ignore[valid-type] # built at run time
    summary = "Every task's answer at once, with RFM scores." if name == PROFILE else TASKS[name].SUMMARY

    def answer(request: ScoringRequest) -> dict[str, Any]:
        loader = process_loader()
        scored = score_request(request.customers, request.as_of, loader, tasks)
        shape = _profile if name == PROFILE else lambda scored, row: scored.answer(row, name)
        manifest = loader.bundle.manifest
        count_customers(manifest.bundle, manifest.as_of, scored=len(scored.rows), rejected=len(scored.rejected))
        return {
            "bundle": manifest.bundle,
            "as_of": request.as_of,
            "horizon_days": manifest.horizon_days,
            "results": [{"customer_id": scored.table.customer_ids[row], **shape(scored, row)} for row in scored.rows],
            "rejected": scored.rejected,
        }

    app.post(f"/{name}", response_model=response, summary=summary, name=name, operation_id=name)(answer)


def _answer_of(task: str) -> type[BaseModel]:
    """Return a task's answer without the customer's id, which a profile says once."""
    fields = {
        name: (field.annotation, field)
        for name, field in TASKS[task].Answer.model_fields.items()
        if name != "customer_id"
    }
    return create_model(f"{task.capitalize()}Part", **fields)  # type: ignore[call-overload, no-any-return] # built at run time


PROFILE_RESULT: type[BaseModel] = create_model(
    "ProfileResult", __base__=Profile, **{task: (_answer_of(task), ...) for task in TASKS}
)  # type: ignore[call-overload] # built at run time


def health() -> dict[str, str]:
    """Answer without opening anything."""
    return {"status": "ok", "version": __version__}


def models() -> dict[str, Any]:
    """Tell which bundle answers, what of it is loaded, from when it is, and how good it was on held-out time."""
    loader = process_loader()
    manifest = loader.bundle.manifest
    said = manifest.model_dump(mode="json", exclude={"files", "features"})
    return said | {"loaded": loader.loaded}


def create_app(*routes: str) -> FastAPI:
    """Build the app that serves the named routes (tasks, or `profile`) beside /health and /models."""
    app = FastAPI(title="Regulars", version=__version__, summary="From an order log to a plan for keeping customers.")
    for name in routes:
        _route(app, name)
    app.get("/health", summary="Is the function up?")(health)
    app.get("/models", summary="Which models answer, and how good they are.")(models)
    problems.install(app)
    return app


def bare_handler(app: FastAPI) -> Handler:
    """Wrap an app for API Gateway, without logs, metrics and traces around it."""
    _have_event_loop()
    mangum = Mangum(app, lifespan="off", text_mime_types=TEXT)

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
        _have_event_loop()
        return mangum(event, context)

    return handle


def lambda_handler(app: FastAPI) -> Handler:
    """Wrap an app for API Gateway, with logs, metrics and traces."""
    return instrumented(bare_handler(app))


_loops = threading.local()


def _have_event_loop() -> None:
    """Give this thread an event loop: Mangum asks for the current one, which Python no longer makes by itself."""
    if not hasattr(_loops, "own"):
        _loops.own = asyncio.new_event_loop()
        asyncio.set_event_loop(_loops.own)
