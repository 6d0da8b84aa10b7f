"""A manifest: which files are scored together.

    {"orders": "_files/orders.parquet", "customers": "_files/customers.csv",
     "events": ["_files/events-1.csv.gz", "_files/events-2.csv.gz"],
     "as_of": "2026-06-30", "map": "map.toml", "csv": true}

Keys are relative to its own folder.
"""

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import SourceError
from regulars.ingest.sources import CSV, PARQUET

LARGEST_MANIFEST = 1 << 20
Keys = str | list[str]


class Manifest(BaseModel):
    """What an input's manifest may say."""

    model_config = ConfigDict(extra="forbid")

    orders: Keys
    customers: Keys = Field(default_factory=list)
    events: Keys = Field(default_factory=list)
    as_of: str | None = None
    map: str | None = None
    csv: bool = False


def read_manifest(name: object, text: bytes) -> Manifest:
    """Read a manifest; SourceError, which calls it by `name`, says what is wrong with it."""
    try:
        manifest = Manifest.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise SourceError(f"{name}: {where}: {first['msg'].lower()}; docs/batch.md has an example") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{name} is no JSON: {error}; docs/batch.md has an example") from error
    if not listed(manifest.orders):
        raise SourceError(f"{name} names no orders; name at least one file")
    return manifest


def listed(keys: Keys) -> list[str]:
    """Return a manifest's one key, or its several."""
    return [keys] if isinstance(keys, str) else keys


def check_keys(manifest: object, keys: Sequence[str]) -> None:
    """Raise SourceError when a manifest names a file twice, or one that is no table: nothing is left out unseen."""
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise SourceError(f"{manifest} names {key} twice; name each file once")
        if not key.lower().endswith(CSV + PARQUET):
            raise SourceError(
                f"{manifest} names {key}, which is of an unsupported type; bring {', '.join(CSV + PARQUET)}"
            )


def called(keys: Sequence[str]) -> list[str]:
    """Return what reports and rejects call files by: their names, or the whole key where two have one name."""
    names = [key.rpartition("/")[2] for key in keys]
    return [name if names.count(name) == 1 else key for name, key in zip(names, keys, strict=True)]
