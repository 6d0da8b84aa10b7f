"""The events of the state machine's steps, as statemachine/batch.asl.json sends them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from regulars.batch.events import check_bucket
from regulars.batch.state_machine.buckets import MOST_BUCKETS
from regulars.batch.state_machine.request import MOST_LABEL_DAYS
from regulars.errors import SourceError

RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


def _bucket(name: str) -> str:
    check_bucket(name)
    return name


class _Form(BaseModel):
    model_config = ConfigDict(strict=True)


class _Input(_Form):
    bucket: Annotated[str, AfterValidator(_bucket)]
    prefix: Annotated[str, StringConstraints(min_length=1)]
    as_of: str | None = None
    buckets: Annotated[int, Field(ge=0, le=MOST_BUCKETS)] | None = None
    csv: bool | None = None
    make: str | None = None
    label_days: Annotated[int, Field(ge=0, le=MOST_LABEL_DAYS)] | None = None


class _File(_Form):
    number: int
    table: str
    bucket: str
    key: str
    etag: str
    version_id: str | None
    bytes: int


class _Part(_Form):
    bucket: int


class _Keys(_Part):
    table: str
    key: str | None


class _Plan(_Form):
    input: _Input


class _OfRun(_Form):
    run: RunId


class _OfFile(_OfRun):
    item: _File


class _OfBucket(_OfRun):
    item: _Part


class _OfKeys(_OfRun):
    item: _Keys


FORMS: dict[str, type[_Form]] = {
    "plan": _Plan,
    **dict.fromkeys(("stage", "split"), _OfFile),
    **dict.fromkeys(("score", "base", "apply"), _OfBucket),
    "keys": _OfKeys,
}
"""The forms of events by step. A step that is not listed needs only its run."""


def check_step(event: dict[str, Any], steps: list[str]) -> str:
    """Return an event's step; SourceError when a field is missing or not valid."""
    step = event["step"]
    if step not in steps:
        raise SourceError(f"there is no step {str(step)[:40]!r}; the steps are {', '.join(steps)}")
    try:
        FORMS.get(step, _OfRun).model_validate(event)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SourceError(f"step {step}: {where}: {first['msg'].lower()}; see statemachine/batch.asl.json") from error
    return str(step)
