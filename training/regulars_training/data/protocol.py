"""A protocol: which columns a public dataset has, at which cutoff and over which horizon it is judged."""

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import MapError
from regulars.ingest.mapping import Mapping, parse


class Protocol(BaseModel):
    """The content of a protocol file; `map` is written like any map of ingest."""

    model_config = ConfigDict(extra="forbid")

    cutoff: date = Field(description="last day that is known")
    horizon_days: int = Field(ge=1)
    map: dict[str, Any]

    @property
    def as_of(self) -> datetime:
        """The instant at which the cutoff's day ends."""
        return datetime.combine(self.cutoff + timedelta(days=1), time(), UTC)

    @property
    def mapping(self) -> Mapping:
        """The map; MapError when it is wrong."""
        return parse(self.map, "map")


def read(file: Path) -> Protocol:
    """Read a protocol; MapError names the file and what is wrong with it."""
    try:
        return Protocol.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MapError(f"{file} is no TOML: {error}") from error
    except ValidationError as error:
        [first, *_] = error.errors()
        place = ".".join(str(part) for part in first["loc"])
        raise MapError(f"{file}: {place}: {first['msg']}; see benchmarks/protocols") from error
