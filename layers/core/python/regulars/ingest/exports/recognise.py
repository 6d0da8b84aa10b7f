"""Which known export a file is, by its header."""

import tomllib
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from regulars.data.schema import TABLES
from regulars.errors import SourceError
from regulars.expressions.compiler import Source
from regulars.ingest.mapping import Mapping, parse

FOLDER = Path(__file__).parent


class About(BaseModel):
    """The table `[export]` of a map: how an export is recognised, and what is done about what is no revenue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    headers: Annotated[tuple[str, ...], Field(min_length=2)]
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    refunds: str
    tax: str
    shipping: str
    tips: str = "none in this export"
    left_out: str
    note: str = ""
    """What the export cannot tell: a warning at each ingest."""

    needs: dict[str, str] = Field(default_factory=dict)
    """Columns that the map needs and that a file may lack, each with what to do then."""


@dataclass(frozen=True)
class Export:
    """A known export: the name of its file, what it is, its map, and the map's text for a user to change."""

    key: str
    about: About
    mapping: Mapping
    text: str


@cache
def known() -> tuple[Export, ...]:
    """Read every map of the folder, by name; MapError for one that is wrong."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def _read(path: Path) -> Export:
    text = path.read_text(encoding="utf-8")
    raw: AnyMapping[str, Any] = tomllib.loads(text)
    about = About.model_validate(raw["export"])
    mapping = parse({key: value for key, value in raw.items() if key != "export"}, path.name)
    return Export(path.stem, about, mapping, _without_about(text))


def _without_about(text: str) -> str:
    """Return a map's text without its table [export], which ends where the next table or a blank line begins."""
    before, _, rest = text.partition("[export]\n")
    _, _, after = rest.partition("\n\n")
    return before + after


def is_contract(source: Source) -> bool:
    """Say whether a file has the contract's own names of what orders need."""
    return all(source.column(column.name) for column in TABLES["orders"].columns if column.needed)


def recognise(sources: Sequence[Source]) -> Export | None:
    """Return the export that all these files of orders are; None where one is not known.

    The export with most of its headers in the file is taken. SourceError for files of several exports, and for one that
    lacks what its map needs.
    """
    found = {source.name: _best(source) for source in sources}
    exports = {export.key: export for export in found.values() if export}
    if len(exports) > 1:
        kinds = ", ".join(f"{name} is {export.about.name}" for name, export in found.items() if export)
        raise SourceError(f"these files are of several kinds ({kinds}); make a lake of each, or write a map")
    if None in found.values() or not exports:
        return None
    export = next(iter(exports.values()))
    for column, advice in export.about.needs.items():
        lacking = next((source.name for source in sources if source.column(column) is None), None)
        if lacking:
            raise SourceError(f"{lacking} is {export.about.name}: {advice}")
    return export


def _best(source: Source) -> Export | None:
    fitting = [export for export in known() if all(source.column(header) for header in export.about.headers)]
    return max(fitting, key=lambda export: len(export.about.headers), default=None)
