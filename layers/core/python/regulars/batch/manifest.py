"""A manifest lists the files that are scored together.

    {"orders": "_files/orders.parquet", "customers": "_files/customers.csv",
     "events": ["_files/events-1.csv.gz", "_files/events-2.csv.gz"],
     "as_of": "2026-06-30", "map": "map.toml", "csv": true}

Keys are relative to the manifest's own folder.
"""

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import SourceError
from regulars.ingest.reading.sources import CSV, PARQUET

LARGEST_MANIFEST = 1 << 20
Keys = str | list[str]


class Manifest(BaseModel):
    """The content of an input's manifest."""

    model_config = ConfigDict(extra="forbid")

    orders: Keys
    customers: Keys = Field(default_factory=list)
    events: Keys = Field(default_factory=list)
    as_of: str | None = None
    map: str | None = None
    csv: bool = False


def read_manifest(name: object, text: bytes) -> Manifest:
    """Parse a manifest; SourceError, naming it `name`, when it is not valid."""
    try:
        manifest = Manifest.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise SourceError(f"{name}: {where}: {first['msg'].lower()}; docs/batch.md has an example") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name} is not JSON: {error}; docs/batch.md has an example") from error
    if not as_list(manifest.orders):
        raise SourceError(f"{name} names no orders; name at least one file")
    return manifest


def as_list(keys: Keys) -> list[str]:
    """Return a manifest's key or keys as a list."""
    return [keys] if isinstance(keys, str) else keys


def check_keys(manifest: object, keys: Sequence[str]) -> None:
    """Raise SourceError when a manifest names a file twice, or one of an unsupported type."""
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise SourceError(f"{manifest} names {key} twice; name each file once")
        if not key.lower().endswith(CSV + PARQUET):
            raise SourceError(
                f"{manifest} names {key}, which has an unsupported file type; use {', '.join(CSV + PARQUET)}"
            )


def display_names(keys: Sequence[str]) -> list[str]:
    """Return the names of files in reports and rejects: the file name, or the whole key where names are not unique."""
    names = [key.rpartition("/")[2] for key in keys]
    return [name if names.count(name) == 1 else key for name, key in zip(names, keys, strict=True)]
