"""The catalogue of actions, `actions.toml`: what may be done, what it costs, for whom, and what it should change."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

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

from regulars.actions.effects import AssumedEffect, How, On
from regulars.errors import CatalogueError
from regulars.text import near, short, shown

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Capacity = Annotated[int, Field(ge=0, strict=True)]


def _as_expression(cost: object) -> object:
    """A plain number is an expression, too; a flag is none."""
    return str(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else cost


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assumed(_Part):
    """An assumption with its uncertainty: `low` and `high` are the ends of an 80 % interval, in either order.

    A relative effect is a share of the customer's own score; absolute ones are a probability, orders, or money.
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

    def source(self, minor_units: int) -> AssumedEffect:
        """Return the effect with money in minor units."""
        scale = 10.0**minor_units if (self.on, self.how) == ("value", "absolute") else 1.0
        return AssumedEffect(self.on, self.how, *(scale * one for one in (self.low, self.likely, self.high)))


class Learnt(_Part):
    """An effect learnt from experiments: the folder that `regulars uplift` wrote, seen from the catalogue's own."""

    learnt: Text


def _form(effect: object) -> str:
    """Say which of the two forms of an effect is meant."""
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


class Channel(_Part):
    """What all actions of one channel may reach together, in customers."""

    name: Word
    capacity: Capacity


class Rules(_Part):
    """The `[plan]` table. `margin` is the share of revenue that stays; without it, that of the lake's orders."""

    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    control: Annotated[float, Field(ge=0, le=0.5)] = 0.10
    salt: Text = "regulars"
    min_return: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    per_customer: Annotated[int, Field(ge=1, strict=True)] = 1
    minor_units: Annotated[int, Field(ge=0, le=4, strict=True)] = 2


class Catalogue(_Part):
    """The whole file; `names` are expressions that others may use by name."""

    plan: Rules = Rules()
    names: dict[Word, Text] = Field(default_factory=dict)
    channel: tuple[Channel, ...] = ()
    action: Annotated[tuple[Action, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> "Catalogue":
        for kind, names in (
            ("action", [one.name for one in self.action]),
            ("channel", [one.name for one in self.channel]),
        ):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise ValueError(f'two [[{kind}]] are called "{twice[0]}"; a name may stand once')
        used = sorted({one.channel for one in self.action})
        for channel in self.channel:
            if channel.name not in used:
                raise ValueError(f'no action uses [[channel]] "{channel.name}"; {near(channel.name, used)}')
        return self

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions' names, in the file's order."""
        return tuple(one.name for one in self.action)


def load(path: Path) -> Catalogue:
    """Read a catalogue; CatalogueError names the file, the action, the field and what it may be instead."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CatalogueError(f"no catalogue at {path}; see docs/plan.md for how to write one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path} is not readable as TOML: {error}") from error
    return parse(raw, path.name)


def parse(raw: Mapping[str, Any], name: str = "actions.toml") -> Catalogue:
    """Validate a catalogue's content, as tomllib gives it; `name` is what the messages call it."""
    try:
        return Catalogue.model_validate(raw)
    except ValidationError as error:
        raise CatalogueError(f"{name}: {_said(error, raw)}; see docs/plan.md") from error


FIELDS: dict[str, type[_Part]] = {
    "plan": Rules,
    "channel": Channel,
    "action": Action,
    "assumed": Assumed,
    "learnt": Learnt,
}


def _said(error: ValidationError, raw: Mapping[str, Any]) -> str:
    """Say the first fault: in which table, which field, its value, and what is wrong with it."""
    first = error.errors()[0]
    loc = [part for part in first["loc"] if part != "[key]"]
    where = _place(loc, raw)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = FIELDS.get(str(next((part for part in reversed(loc[:-1]) if isinstance(part, str)), "")), Catalogue)
        return f'{where}unknown key "{short(str(loc[-1]))}"; {near(str(loc[-1]), [*known.model_fields])}'
    loc = [part for part in loc if part not in ("assumed", "learnt") or part == loc[-1]]
    if first["type"] == "missing":
        return f"{where}{loc[-1]} is missing"
    if first["type"] == "value_error":
        return f"{where}{message}"
    return f"{where}{'.'.join(map(str, loc[-1:]))} = {shown(first['input'])}: {message}"


def _place(loc: list[int | str], raw: Mapping[str, Any]) -> str:
    """Return the table that a fault lies in as the user knows it, as in `[[action]] "voucher", effect: `."""
    if not loc or (len(loc) == 1 and loc[0] not in ("plan", "action", "channel")):
        return ""
    if len(loc) > 1 and isinstance(loc[1], int):
        entry = _at(raw, tuple(loc[:2]))
        called = entry.get("name") if isinstance(entry, dict) else None
        named = f'"{short(str(called))}"' if called else f"number {loc[1] + 1}"
        return f"[[{loc[0]}]] {named}{', effect' if 'effect' in loc[2:] else ''}: "
    return f"[{loc[0]}]: "


def _at(raw: object, loc: tuple[int | str, ...]) -> object:
    """Follow a fault's place into the raw content; None where it leads nowhere."""
    for part in loc:
        try:
            raw = raw[part]  # type: ignore[index] # any content; what cannot be indexed is caught
        except (KeyError, IndexError, TypeError):
            return None
    return raw
