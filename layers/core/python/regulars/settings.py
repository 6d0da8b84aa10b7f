"""What the environment must or may say, read and checked when first asked, never at import."""

import os
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import SettingsError

PREFIX = "REGULARS_"


class Settings(BaseModel):
    """Environment variables, each with the prefix REGULARS_."""

    model_config = ConfigDict(frozen=True)

    bundle: Path
    """Folder of the bundle; /opt/bundle in Lambda, where the models layer puts it."""
    output_bucket: str | None = None
    """S3 bucket that batch writes scores and rejects to."""
    max_customers: int = Field(default=10_000, ge=1)
    """Customers that one request may hold."""
    max_rows: int = Field(default=250_000, ge=1)
    """Orders and events that one request may hold, all customers together."""
    max_customer_rows: int = Field(default=10_000, ge=1)
    """Orders and events that one customer may have."""
    max_bytes: int = Field(default=6_000_000, ge=1_000)
    """Bytes of a request's body, and of an answer's, as Lambda carries them; Lambda's own limit is 6 MiB for either."""
    memory_limit: str = Field(default="1GB", pattern=r"^[0-9.]+ ?([KMGT]i?B|%)$")
    """DuckDB's memory limit; about 0.6 of the function's memory, the rest is models and Python."""
    threads: int = Field(default=2, ge=1)
    """Threads of DuckDB and of ONNX Runtime; the vCPUs of the function."""
    max_input_bytes: int = Field(default=1_000_000_000, ge=1)
    """Bytes of one batch input, all its files together, as they lie in S3; for the state machine, of each file."""
    max_expanded_bytes: int = Field(default=4_000_000_000, ge=1)
    """The same after decompression."""
    max_columns: int = Field(default=2_000, ge=3)
    """Columns of one batch file."""
    dead_letters: str | None = None
    """URL of the queue that a batch message goes to after its last try, with the reason."""
    max_tries: int = Field(default=3, ge=1)
    """Tries of a batch message; as many as the queue's maxReceiveCount."""
    temp_directory: Path = Path("/tmp/regulars")  # noqa: S108 - the one folder that Lambda lets a function write to
    """Where DuckDB spills and batch keeps its downloads."""


@cache
def settings() -> Settings:
    """Return the process's settings; SettingsError names each variable that is missing or wrong."""
    try:
        return Settings.model_validate({name: os.environ[key] for name, key in _keys() if key in os.environ})
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg'].lower()}" for e in error.errors())
        raise SettingsError(f"the environment is not complete: {wrong}; see docs/operate.md") from error


def _keys() -> list[tuple[str, str]]:
    return [(name, f"{PREFIX}{name.upper()}") for name in Settings.model_fields]
