"""What a request is answered with: its contract, and its bytes."""

import types
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from regulars.actions.advice import Advice
from regulars.api.online import Scored
from regulars.api.requests import Rejected
from regulars.errors import LimitError
from regulars.models.bundle import Manifest, Verdict
from regulars.models.tasks import TASKS, Result
from regulars.scoring.score import RFM
from regulars.settings import settings

PROFILE, RECOMMEND = "profile", "recommend"
ROUTES = (*TASKS, PROFILE, RECOMMEND)
"""What can be asked, each at POST /v1/<name>."""

REASONS = "reasons"
EXPLAINED: dict[str, Any] = {
    "reasons_base": (
        float | None,
        Field(description="the answer of a customer of whom nothing is known; null without reasons", examples=[0.31]),
    ),
    "reasons_rest": (
        float | None,
        Field(
            description="what the groups that are not shown add; base, effects and rest add up to the answer",
            examples=[0.02],
        ),
    ),
}
SAMPLES: dict[Any, Any] = {float: 42.5, int: 3, str: "Loyal", date: "2026-08-14", bool: True}
"""What stands for a value in the documentation of a field that has no example of its own."""


class Answered(BaseModel):
    """What every answer says beside its results."""

    bundle: str = Field(
        description="the models and the SQL that answered: date, and the start of the manifest's SHA-256",
        examples=["2026-06-30.4f2a91"],
    )
    as_of: datetime = Field(description="the instant that was looked from, UTC", examples=["2026-06-30T00:00:00Z"])
    horizon_days: int = Field(description="days from as_of on that the answers are about", examples=[90], ge=1)
    rejected: list[Rejected] = Field(description="customers that were not answered; empty when all were")


class Health(BaseModel):
    """Whether the function is up."""

    status: Literal["ok"] = Field(description="ok, or no answer at all", examples=["ok"])
    version: str = Field(description="of the package regulars", examples=["0.1.0"])


class Models(BaseModel):
    """Which bundle answers, what of it is loaded, from when it is, and how good it was on held-out time."""

    model_config = ConfigDict(extra="forbid")

    bundle: str = Field(description="what answers name as theirs", examples=["2026-06-30.4f2a91"])
    format: int = Field(description="of the bundle's files", examples=[1])
    as_of: datetime = Field(description="what the models know ends here, UTC", examples=["2026-06-30T00:00:00Z"])
    horizon_days: int = Field(description="days that answers are about", examples=[90], ge=1)
    label_days: int = Field(description="days of labels trained on; stretched to the horizon", examples=[90], ge=1)
    currency: str = Field(description="ISO 4217 code of all money; XXX where nobody said", examples=["EUR"])
    minor_units: int = Field(description="decimal places of the currency", examples=[2], ge=0)
    features: list[str] = Field(description="columns that ready features must have", examples=[["recency_days"]])
    loaded: list[str] = Field(description="tasks whose models are open in this process", examples=[["churn"]])
    metrics: dict[str, dict[str, Any]] = Field(
        description="by task, on held-out time, beside baselines", examples=[{"churn": {"roc_auc": 0.81}}]
    )
    training: dict[str, Any] = Field(
        description="rows and cutoffs, and the fingerprint of the data", examples=[{"rows": 32172}]
    )
    libraries: dict[str, str] = Field(description="versions that trained it", examples=[{"duckdb": "2.0.0"}])
    verdict: Verdict = Field(
        description="what the promotion gate said, and why", examples=[{"passed": True, "reasons": []}]
    )


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="which problem; docs/api.md lists them", examples=["urn:regulars:problem:too-large"])
    title: str = Field(description="the same in a few words", examples=["Too large"])
    status: int = Field(description="the HTTP status", examples=[413], ge=400, le=599)
    detail: str = Field(
        description="what is wrong with this request, and what to do; never what was sent",
        examples=["customers: 20000 in one request, the limit is 10000; send fewer, or use batch"],
    )
    correlation_id: str = Field(
        description="the same as in the header x-correlation-id and in the logs", examples=["1-6650-4f2a"]
    )
    limit: str | None = Field(default=None, description="name of the limit, for status 413", examples=["max_customers"])
    value: int | None = Field(default=None, description="its value", examples=[10_000])


def _sample(annotation: Any) -> Any:  # noqa: ANN401 - any annotation, any example
    """Return a value that an annotation allows, as JSON has it; None when there is none at hand."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)[-1]
    if get_origin(annotation) in (Union, types.UnionType):
        return _sample(get_args(annotation)[0])
    return SAMPLES.get(annotation)


def _documented(field: FieldInfo) -> FieldInfo:
    """Give a field an example if it has none."""
    sample = _sample(field.annotation)
    if field.examples or sample is None:
        return field
    share = any(getattr(limit, "le", None) == 1 for limit in field.metadata)
    return FieldInfo.merge_field_infos(field, Field(examples=[0.71 if share else sample]))


def _fields(task: str, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return a task's fields as the API answers with them, whatever they are."""
    own = {
        name: (field.annotation, _documented(field))
        for name, field in TASKS[task].Answer.model_fields.items()
        if name not in without
    }
    return own | (EXPLAINED if REASONS in own else {})


def _model(name: str, about: str | None, fields: dict[str, Any], base: type[BaseModel] = BaseModel) -> type[BaseModel]:
    made: type[BaseModel] = create_model(name, __base__=base, __doc__=about, **fields)
    return made


RFM_FIELDS: dict[str, Any] = {
    name: (
        int,
        Field(ge=111, le=555, description="the three scores as digits: recency, frequency, monetary", examples=[544]),
    )
    if name == "rfm_cell"
    else (int, Field(ge=1, le=5, description="RFM score: 5 is the best fifth, by cut points learnt once", examples=[4]))
    for name in RFM
}


def result_model(route: str) -> type[BaseModel]:
    """Return the model of one customer's answer."""
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
        "ProfileAnswer", "Every task's answer for one customer, and the RFM scores.", RFM_FIELDS | parts, Result
    )


def response_model(route: str) -> type[BaseModel]:
    """Return the model of a whole answer."""
    result: Any = result_model(route)
    results = (list[result], Field(description="in the order asked"))
    return _model(f"{route.capitalize()}Response", "Answers, in the order asked.", {"results": results}, Answered)


def summary(route: str) -> str:
    """Say in a line what a route answers."""
    both = {
        PROFILE: "Every task's answer at once, with RFM scores.",
        RECOMMEND: "The action worth paying for, by the prices of the plan in the bundle.",
    }
    return both[route] if route in both else TASKS[route].SUMMARY


def tasks_of(route: str) -> list[str]:
    """Return the tasks that a route asks."""
    return [route] if route in TASKS else list(TASKS)


def explains(route: str) -> bool:
    """Say whether a route's answers have reasons."""
    return route != RECOMMEND and any(REASONS in TASKS[task].Answer.model_fields for task in tasks_of(route))


def _told(scored: Scored, task: str) -> list[dict[str, Any]]:
    """Return a task's answers for every row, explained where the task explains."""
    answers = scored.answers(task)
    if REASONS in TASKS[task].Answer.model_fields:
        for answer in answers:
            reasons = answer.setdefault(REASONS, [])
            answer["reasons_base"] = getattr(reasons, "base", None)
            answer["reasons_rest"] = getattr(reasons, "rest", None)
    return answers


def _results(scored: Scored, route: str) -> list[dict[str, Any]]:
    told = {task: _told(scored, task) for task in tasks_of(route)}
    ids = scored.table.customer_ids.tolist()
    if route != PROFILE:
        return [{"customer_id": ids[row], **told[route][row]} for row in scored.rows]
    return [
        {"customer_id": ids[row], **scored.rfm(row), **{task: told[task][row] for task in told}} for row in scored.rows
    ]


def answer_body(
    scored: Scored, route: str, manifest: Manifest, as_of: datetime, advice: list[dict[str, Any]] | None = None
) -> bytes:
    """Return an answer's JSON, `advice` for /recommend; LimitError when it is longer than Lambda hands back."""
    body = to_json(
        {
            "bundle": manifest.bundle,
            "as_of": as_of,
            "horizon_days": manifest.horizon_days,
            "results": _results(scored, route) if advice is None else advice,
            "rejected": scored.rejected,
        }
    )
    refuse_too_long(body, "the answer", "send fewer customers at once, or ask for fewer reasons")
    return body


def models_body(manifest: Manifest, loaded: Sequence[str]) -> bytes:
    """Return the JSON of what answers."""
    said = {name: getattr(manifest, name) for name in Models.model_fields if name != "loaded"}
    return Models(**said, loaded=list(loaded)).model_dump_json().encode()


def refuse_too_long(body: bytes, what: str, advice: str) -> None:
    """Raise LimitError for a body that is longer than may be, counted as Lambda carries it: a string within JSON."""
    limit = settings().max_bytes
    carried = len(body) + body.count(b'"') + body.count(b"\\") + body.count(b"\n")
    if carried > limit:
        raise LimitError(
            f"{what} has {carried} bytes with its quotes escaped, the limit is {limit}; {advice}", "max_bytes", limit
        )
