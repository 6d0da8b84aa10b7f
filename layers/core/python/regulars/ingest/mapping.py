"""The TOML map: how a user's own files, columns and rules become the contract's tables."""

import tomllib
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from regulars.data.schema import NO_CURRENCY, TABLES, Table
from regulars.errors import MapError
from regulars.text import near, short, shown

UNNAMED = "where"
"""The name of the rule when `where` is one expression and not a table of named ones."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Model = TypeVar("Model", bound=BaseModel)


def _as_rules(where: object) -> object:
    return {UNNAMED: where} if isinstance(where, str) else where


def _as_list(files: object) -> object:
    return (files,) if isinstance(files, str) else files


class Section(BaseModel):
    """One table of the map: contract columns as expressions over the source's columns, and which rows and files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, Text]
    attributes: dict[Name, Text] = Field(default_factory=dict)
    where: Annotated[dict[str, Text], BeforeValidator(_as_rules)] = Field(default_factory=dict)
    files: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    grain: Literal["order", "line"] = "order"


class Mapping(BaseModel):
    """The whole map; without sections the columns have the contract's own names.

    `timezone` is that of times without an offset; `date_format` is strptime's, None for ISO forms.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = NO_CURRENCY
    timezone: Text = "UTC"
    date_format: Text | None = None
    encoding: Literal["utf-8", "latin-1", "utf-16"] | None = None
    sections: dict[str, Section] = Field(default_factory=dict)


CONTRACT = Mapping()
"""The map of files whose columns have the contract's own names."""

SETTINGS = [name for name in Mapping.model_fields if name != "sections"]


def load(path: Path) -> Mapping:
    """Read a map file; MapError names the section, the key and what there is instead."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MapError(f"no map at {path}; see docs/data-contract.md for how to write one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MapError(f"{path} is not readable as TOML: {error}") from error
    return parse(raw, path.name)


def parse(raw: AnyMapping[str, Any], name: str = "map") -> Mapping:
    """Validate a map's content, as tomllib gives it; `name` is what the messages call it."""
    for key in raw:
        if key not in SETTINGS and key not in TABLES:
            raise MapError(
                f'{name}: unknown key "{short(key)}"; {near(key, [*SETTINGS, *(f"[{table}]" for table in TABLES)])}'
            )
    sections = {table.name: _section(table, raw[table.name], name) for table in TABLES.values() if table.name in raw}
    if sections and "orders" not in sections:
        raise MapError(f"{name}: no [orders] section; it must say at least {_needed(TABLES['orders'])}")
    settings = {key: raw[key] for key in SETTINGS if key in raw}
    return _validated(Mapping, settings | {"sections": sections}, name)


def _section(table: Table, raw: object, name: str) -> Section:
    """Sort a section's keys into contract columns and the section's own settings."""
    where = f"{name}, [{table.name}]"
    if not isinstance(raw, dict):
        raise MapError(f"{where}: must be a section, not {shown(raw)}")
    columns = [column.name for column in table.columns]
    # Only orders come as lines; elsewhere `grain` would promise a summing that does not happen.
    own = ["files", "where", "attributes", *(["grain"] if table.name == "orders" else [])]
    for key in raw:
        if key not in columns and key not in own:
            raise MapError(
                f'{where}: unknown key "{short(key)}"; {near(key, [*columns, *own])}; '
                f"keep others in [{table.name}.attributes]"
            )
    missing = [column.name for column in table.columns if column.needed and column.name not in raw]
    if missing:
        raise MapError(f"{where}: {', '.join(missing)} missing; a section must say at least {_needed(table)}")
    taken = {taken for column in table.columns for taken in (column.name, column.lake_name)}
    for attribute in raw.get("attributes") or ():
        if attribute.lower() in taken:
            raise MapError(
                f'{where}: attribute "{short(attribute)}" has the name of a contract column; call it otherwise'
            )
    given = {column: raw[column] for column in columns if column in raw}
    return _validated(Section, {"columns": given} | {key: raw[key] for key in own if key in raw}, where)


def _needed(table: Table) -> str:
    return ", ".join(column.name for column in table.columns if column.needed)


def _validated(model: type[Model], content: dict[str, Any], name: str) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part not in {"columns", "[key]"})
        hint = " (three capital letters, as in GBP)" if key == "currency" else ""
        raise MapError(f"{name}: {short(key)} = {shown(first['input'])}: {first['msg']}{hint}") from error
