"""The catalogue, `actions.toml`: each action's cost, eligible customers, limits, and effect."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from regulars.errors import CatalogueError
from regulars.text import near, short, shown

On = Literal["churn", "orders", "value"]
How = Literal["relative", "absolute"]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Capacity = Annotated[int, Field(ge=0, strict=True)]


def _as_expression(cost: object) -> object:
    """Accept a plain number as an expression, but no boolean."""
    return str(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else cost


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assumed(_Part):
    """An assumed effect with an 80 % interval from `low` to `high`; either may be the larger.

    A relative effect is a share of the customer's own score. An absolute one is a probability, orders, or money.
    """

    on: On
    how: How = "relative"
    low: Annotated[float, Field(allow_inf_nan=False)]
    likely: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]

    @model_validator(mode="after")
    def _sound(self) -> "Assumed":
        most = max(abs(self.low), abs(self.high))
        if most > 1 and (self.how == "relative" or self.on == "churn"):
            raise ValueError(f"an effect over 100 % ({most:.0%}); write a tenth as 0.1")
        if not min(self.low, self.high) <= self.likely <= max(self.low, self.high):
            raise ValueError("likely must lie between low and high")
        return self


class Learnt(_Part):
    """An effect learnt from experiments: a folder written by `regulars uplift`, relative to the catalogue's folder."""

    learnt: Text


def _form(effect: object) -> str:
    """Return which of the two forms an effect has."""
    return "learnt" if isinstance(effect, Learnt) or (isinstance(effect, dict) and "learnt" in effect) else "assumed"


class Action(_Part):
    """One action. `cost` and `eligible` are expressions over scores and features; money is in currency units."""

    name: Word
    channel: Word
    cost: Annotated[Text, BeforeValidator(_as_expression)]
    effect: Annotated[Annotated[Assumed, Tag("assumed")] | Annotated[Learnt, Tag("learnt")], Discriminator(_form)]
    eligible: Text = "true"
    capacity: Capacity | None = None
    cooldown_days: Annotated[int, Field(ge=0, strict=True)] = 0

    @property
    def label(self) -> str:
        """The action's name in messages."""
        return f'[[action]] "{self.name}"'


class Channel(_Part):
    """The capacity of a channel: the most customers that all its actions may reach together."""

    name: Word
    capacity: Capacity


class Rules(_Part):
    """The `[plan]` table. `margin` is the share of revenue that remains; if absent, that of the lake's orders."""

    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    control: Annotated[float, Field(ge=0, le=0.5)] = 0.10
    salt: Text = "regulars"
    min_return: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    per_customer: Annotated[int, Field(ge=1, strict=True)] = 1
    minor_units: Annotated[int, Field(ge=0, le=4, strict=True)] = 2


class Catalogue(_Part):
    """The whole file; other expressions may use those of `names` by their name."""

    plan: Rules = Rules()
    names: dict[Word, Text] = Field(default_factory=dict)
    channel: tuple[Channel, ...] = ()
    action: Annotated[tuple[Action, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> "Catalogue":
        for kind, names in (
            ("action", [action.name for action in self.action]),
            ("channel", [channel.name for channel in self.channel]),
        ):
            repeated = [name for name, count in Counter(names).items() if count > 1]
            if repeated:
                raise ValueError(f'two [[{kind}]] are called "{repeated[0]}"; give each its own name')
        used = sorted({action.channel for action in self.action})
        for channel in self.channel:
            if channel.name not in used:
                raise ValueError(f'no action uses [[channel]] "{channel.name}"; {near(channel.name, used)}')
        return self

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions' names, in the file's order."""
        return tuple(action.name for action in self.action)


def load(path: Path) -> Catalogue:
    """Read a catalogue. CatalogueError names the file, the action, the field and the allowed values."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CatalogueError(f"no catalogue at {path}; see docs/plan.md for how to write one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path} is not readable as TOML: {error}") from error
    return parse(raw, path.name)


def parse(raw: Mapping[str, Any], name: str = "actions.toml") -> Catalogue:
    """Validate the content of a catalogue as tomllib returns it; messages call it `name`."""
    try:
        return Catalogue.model_validate(raw)
    except ValidationError as error:
        raise CatalogueError(f"{name}: {_message(error, raw)}; see docs/plan.md") from error


FIELDS: dict[str, type[_Part]] = {
    "plan": Rules,
    "channel": Channel,
    "action": Action,
    "assumed": Assumed,
    "learnt": Learnt,
}


def _message(error: ValidationError, raw: Mapping[str, Any]) -> str:
    """Return the first error: its table, field and value, and what is wrong."""
    first = error.errors()[0]
    path = [part for part in first["loc"] if part != "[key]"]
    where = _place(path, raw)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = FIELDS.get(str(next((part for part in reversed(path[:-1]) if isinstance(part, str)), "")), Catalogue)
        return f'{where}unknown key "{short(str(path[-1]))}"; {near(str(path[-1]), [*known.model_fields])}'
    if first["type"] == "missing":
        return f"{where}{path[-1]} is missing"
    if first["type"] == "value_error":
        return f"{where}{message}"
    return f"{where}{path[-1]} = {shown(first['input'])}: {message}"


def _place(path: list[int | str], raw: Mapping[str, Any]) -> str:
    """Return the table of an error as the user wrote it, such as `[[action]] "voucher", effect: `."""
    if not path or (len(path) == 1 and path[0] not in ("plan", "action", "channel")):
        return ""
    if len(path) > 1 and isinstance(path[1], int):
        entry = _at(raw, tuple(path[:2]))
        name = entry.get("name") if isinstance(entry, dict) else None
        label = f'"{short(str(name))}"' if name else f"number {path[1] + 1}"
        return f"[[{path[0]}]] {label}{', effect' if 'effect' in path[2:] else ''}: "
    return f"[{path[0]}]: "


def _at(raw: object, path: tuple[int | str, ...]) -> object:
    """Return the raw content at an error's path; None where there is none."""
    for part in path:
        try:
            raw = raw[part]  # type: ignore[index] # any content; the error of one without an index is caught
        except (KeyError, IndexError, TypeError):
            return None
    return raw
