"""The contract of responses: each route's results, and problems."""

import types
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from regulars.actions.advice import Advice
from regulars.api.contract.customers import Rejected
from regulars.models.bundle import Verdict
from regulars.models.tasks import TASKS, Result
from regulars.scoring.score import RFM

PROFILE, RECOMMEND = "profile", "recommend"
ROUTES = (*TASKS, PROFILE, RECOMMEND)
"""The scoring routes, each at POST /v1/<name>."""

REASONS = "reasons"
REASON_FIELDS: dict[str, Any] = {
    "reasons_base": (
        float | None,
        Field(description="the value for a customer of whom nothing is known; null without reasons", examples=[0.31]),
    ),
    "reasons_rest": (
        float | None,
        Field(
            description="effect of the groups that are not shown; base, effects and rest add up to the value",
            examples=[0.02],
        ),
    ),
}
SAMPLES: dict[Any, Any] = {float: 42.5, int: 3, str: "Loyal", date: "2026-08-14", bool: True}
"""Examples for fields that have none of their own."""


class ScoringResponse(BaseModel):
    """The fields of every scoring response beside its results."""

    bundle: str = Field(
        description="the bundle of models and SQL that scored: its date, and the start of its manifest's SHA-256",
        examples=["2026-06-30.4f2a91"],
    )
    as_of: datetime = Field(description="instant of the scores, UTC", examples=["2026-06-30T00:00:00Z"])
    horizon_days: int = Field(description="days after as_of that the predictions are for", examples=[90], ge=1)
    rejected: list[Rejected] = Field(description="customers that were not scored")


class Health(BaseModel):
    """Whether the function is up."""

    status: Literal["ok"] = Field(description="always ok", examples=["ok"])
    version: str = Field(description="version of the package regulars", examples=["0.1.0"])


class Models(BaseModel):
    """The bundle in use, its loaded models, and its metrics on held-out time."""

    model_config = ConfigDict(extra="forbid")

    bundle: str = Field(description="bundle that scores; responses name it", examples=["2026-06-30.4f2a91"])
    format: int = Field(description="format version of the bundle", examples=[1])
    as_of: datetime = Field(description="end of the training data, UTC", examples=["2026-06-30T00:00:00Z"])
    horizon_days: int = Field(description="days that predictions are for", examples=[90], ge=1)
    label_days: int = Field(description="days of the training labels, scaled up to the horizon", examples=[90], ge=1)
    currency: str = Field(description="ISO 4217 code of all money; XXX when unknown", examples=["EUR"])
    minor_units: int = Field(description="decimal places of the currency", examples=[2], ge=0)
    features: list[str] = Field(description="columns that ready features must have", examples=[["recency_days"]])
    loaded: list[str] = Field(description="tasks whose models are open in this process", examples=[["churn"]])
    metrics: dict[str, dict[str, Any]] = Field(
        description="metrics by task on held-out time, and those of baselines", examples=[{"churn": {"roc_auc": 0.81}}]
    )
    training: dict[str, Any] = Field(
        description="rows, cutoffs and fingerprint of the training data", examples=[{"rows": 32172}]
    )
    libraries: dict[str, str] = Field(description="library versions in training", examples=[{"duckdb": "2.0.0"}])
    verdict: Verdict = Field(
        description="result of the promotion gate, with reasons", examples=[{"passed": True, "reasons": []}]
    )


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="problem type; docs/api.md lists them", examples=["urn:regulars:problem:too-large"])
    title: str = Field(description="the type in a few words", examples=["Too large"])
    status: int = Field(description="the HTTP status", examples=[413], ge=400, le=599)
    detail: str = Field(
        description="what is wrong with this request, and what to do; it never repeats what was sent",
        examples=["customers: 20000 in one request, the limit is 10000; send fewer, or use batch"],
    )
    correlation_id: str = Field(
        description="as in the header x-correlation-id and in the logs", examples=["1-6650-4f2a"]
    )
    limit: str | None = Field(default=None, description="name of the limit, for status 413", examples=["max_customers"])
    value: int | None = Field(default=None, description="its value", examples=[10_000])


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "model": Problem}
    for status, description in {
        400: "the body is not JSON",
        413: "too many customers, rows or bytes in the request or the response; the limit is named",
        415: "the body's content type is not JSON",
        422: "the request breaks its contract, or no customer could be scored",
        500: "an internal error",
        503: "there is no usable bundle",
    }.items()
}
"""The errors of a scoring route, as application/problem+json."""

HEADERS: dict[str, Any] = {
    "x-correlation-id": {"description": "the caller's own id, else Lambda's request id", "schema": {"type": "string"}},
    "x-regulars-bundle": {"description": "the bundle of models and SQL that scored", "schema": {"type": "string"}},
    "etag": {"description": "the bundle and a hash of the response", "schema": {"type": "string"}},
}

SUCCESS: dict[int | str, dict[str, Any]] = {200: {"headers": HEADERS}}


def _sample(annotation: Any) -> Any:  # noqa: ANN401 - any annotation, any example
    """Return an example value of an annotation, as in JSON; None when SAMPLES has none."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)[-1]
    if get_origin(annotation) in (Union, types.UnionType):
        return _sample(get_args(annotation)[0])
    return SAMPLES.get(annotation)


def _documented(field: FieldInfo) -> FieldInfo:
    """Return the field with an example."""
    sample = _sample(field.annotation)
    if field.examples or sample is None:
        return field
    share = any(getattr(limit, "le", None) == 1 for limit in field.metadata)
    return FieldInfo.merge_field_infos(field, Field(examples=[0.71 if share else sample]))


def _fields(task: str, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return a task's fields in responses, with examples."""
    own = {
        name: (field.annotation, _documented(field))
        for name, field in TASKS[task].Answer.model_fields.items()
        if name not in without
    }
    return own | (REASON_FIELDS if REASONS in own else {})


def _model(name: str, about: str | None, fields: dict[str, Any], base: type[BaseModel] = BaseModel) -> type[BaseModel]:
    model: type[BaseModel] = create_model(name, __base__=base, __doc__=about, **fields)
    return model


RFM_FIELDS: dict[str, Any] = {
    name: (
        int,
        Field(ge=111, le=555, description="the three scores as digits: recency, frequency, monetary", examples=[544]),
    )
    if name == "rfm_cell"
    else (
        int,
        Field(ge=1, le=5, description="RFM score: 5 is the best fifth, by learnt cut points", examples=[4]),
    )
    for name in RFM
}


def result_model(route: str) -> type[BaseModel]:
    """Return the pydantic model of one customer's result."""
    if route == RECOMMEND:
        return Advice
    if route != PROFILE:
        return _model(f"{route.capitalize()}Answer", TASKS[route].Answer.__doc__, _fields(route), Result)
    parts = {
        task: (
            _model(f"{task.capitalize()}Part", TASKS[task].Answer.__doc__, _fields(task, without=["customer_id"])),
            Field(description=TASKS[task].SUMMARY),
        )
        for task in TASKS
    }
    return _model(
        "ProfileAnswer", "Every task's result for one customer, and the RFM scores.", RFM_FIELDS | parts, Result
    )


def response_model(route: str) -> type[BaseModel]:
    """Return the pydantic model of a whole response."""
    result: Any = result_model(route)
    results = (list[result], Field(description="in the order of the request"))
    return _model(f"{route.capitalize()}Response", "Results in request order.", {"results": results}, ScoringResponse)


def summary(route: str) -> str:
    """Return the one-line summary of a route."""
    summaries = {
        PROFILE: "Every task's result at once, with RFM scores.",
        RECOMMEND: "The action to take for each customer, by the shadow prices of the plan in the bundle.",
    }
    return summaries[route] if route in summaries else TASKS[route].SUMMARY


def tasks_of(route: str) -> list[str]:
    """Return the tasks that a route runs."""
    return [route] if route in TASKS else list(TASKS)


def explains(route: str) -> bool:
    """Return whether a route's results have reasons."""
    return route != RECOMMEND and any(REASONS in TASKS[task].Answer.model_fields for task in tasks_of(route))
