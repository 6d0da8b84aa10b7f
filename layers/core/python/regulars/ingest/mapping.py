"""The TOML map: how a user's own files, columns and rules become the contract's tables."""

import codecs
import tomllib
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from regulars.data.schema import NO_CURRENCY, TABLES, Table
from regulars.errors import MapError
from regulars.text import near, short, shown

UNNAMED = "where"
"""The name of the rule when `where` is one expression and not a table of named ones."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Model = TypeVar("Model", bound=BaseModel)


ALIASES = {"macroman": "mac_roman", "ansi": "cp1252", "windows-1252": "cp1252", "latin1": "latin-1"}


def codec(name: str) -> str:
    """Return Python's name of an encoding; ValueError for one that does not exist."""
    wanted = ALIASES.get(name.lower().replace(" ", ""), name)
    try:
        found = codecs.lookup(wanted)
    except LookupError as error:
        known = "utf-8, utf-16, cp1252, latin-1, cp1250, macroman"
        raise ValueError(f"is unknown; write one such as {known}") from error
    if not found._is_text_encoding:  # noqa: SLF001 - Python has no public name for it
        raise ValueError("is not an encoding of text")
    return str(found.name)


def _checked_encoding(name: str) -> str:
    codec(name)
    return name


def _as_rules(where: object) -> object:
    return {UNNAMED: where} if isinstance(where, str) else where


def _as_list(files: object) -> object:
    return (files,) if isinstance(files, str) else files


class Section(BaseModel):
    """One table of the map: contract columns as expressions over the source's columns, and which rows and files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, Text]
    attributes: dict[Name, Text] = Field(default_factory=dict)
    refund: Text | None = None
    refunded_at: Text | None = None
    currency: Text | None = None
    equal_amounts: bool = False
    where: Annotated[dict[str, Text], BeforeValidator(_as_rules)] = Field(default_factory=dict)
    files: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    grain: Literal["order", "line", "first_line"] = "order"


class Join(BaseModel):
    """A further file whose columns are added to each row of a table: rows match where `on` is equal on both sides.

    Each row may match one row of the file at most: a join that would multiply rows is refused. `sum` columns are first
    added up by the key, so that several rows of the file count as one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Text
    on: Annotated[tuple[Text, ...], BeforeValidator(_as_list)]
    equals: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    take: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    sum: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    table: Literal["orders", "customers", "events", "treatments"] = "orders"


class Identity(BaseModel):
    """What is done to every customer_id before it is compared: see docs/data-contract.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    normalise: tuple[Literal["lower", "float", "zeros", "spaces"], ...] = ()


class Mapping(BaseModel):
    """The whole map; without sections the columns have the contract's own names.

    `timezone` is that of times without an offset; `date_format` is strptime's. What is None is decided for a whole
    file or column, by what it holds, and reported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = NO_CURRENCY
    timezone: Text = "UTC"
    date_format: Text | None = None
    encoding: Annotated[Text, AfterValidator(_checked_encoding)] | None = None
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, StringConstraints(max_length=1)] | None = None
    escape: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    skip: Annotated[int, Field(ge=0, le=1000)] | None = None
    sheet: Text | None = None
    decimal: Literal[".", ","] | None = None
    duplicates: Literal["keep", "drop", "refuse"] | None = None
    optional: tuple[Text, ...] = ()
    """Columns that a file may lack: they are blank then."""

    rates: dict[str, Any] = Field(default_factory=dict)
    customer_id: Identity = Identity()
    join: tuple[Join, ...] = ()
    sections: dict[str, Section] = Field(default_factory=dict)


CONTRACT = Mapping()
"""The map of files whose columns have the contract's own names."""

ORDERS_OWN = ["grain", "refund", "refunded_at", "currency", "equal_amounts"]
"""Settings of the orders' section alone."""

SETTINGS = [name for name in Mapping.model_fields if name != "sections"]


def load(path: Path) -> Mapping:
    """Read a map file; MapError names the section, the key and what there is instead."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise MapError(f"no map at {path}; see docs/data-contract.md for how to write one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
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
    own = ["files", "where", "attributes", *(ORDERS_OWN if table.name == "orders" else [])]
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
