"""Protocol of a public dataset: its columns, and the cutoff and horizon of its backtest."""

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import MapError
from regulars.ingest.mapping import Mapping, parse


class Protocol(BaseModel):
    """The content of a protocol file; `map` has the format of an ingest map."""

    model_config = ConfigDict(extra="forbid")

    cutoff: date = Field(description="last known day")
    horizon_days: int = Field(ge=1)
    map: dict[str, Any]

    @property
    def as_of(self) -> datetime:
        """The end of the cutoff's day."""
        return datetime.combine(self.cutoff + timedelta(days=1), time(), UTC)

    @property
    def mapping(self) -> Mapping:
        """The parsed map; MapError when it is wrong."""
        return parse(self.map, "map")


def read(file: Path) -> Protocol:
    """Read a protocol; MapError names the file and the fault."""
    try:
        return Protocol.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MapError(f"{file} is not valid TOML: {error}") from error
    except ValidationError as error:
        [first, *_] = error.errors()
        place = ".".join(str(part) for part in first["loc"])
        raise MapError(f"{file}: {place}: {first['msg']}; see benchmarks/protocols") from error
