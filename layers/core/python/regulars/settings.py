"""Settings from the environment, read and checked at first use, never at import."""

import os
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.errors import SettingsError

PREFIX = "REGULARS_"


class Settings(BaseModel):
    """The environment variables, without their prefix REGULARS_."""

    model_config = ConfigDict(frozen=True)

    bundle: Path
    """Folder of the bundle; the models layer puts it at /opt/bundle."""
    output_bucket: str | None = None
    """S3 bucket that batch writes scores and rejects to."""
    max_customers: int = Field(default=10_000, ge=1)
    """Most customers in one request."""
    max_rows: int = Field(default=250_000, ge=1)
    """Most orders and events in one request, all customers together."""
    max_customer_rows: int = Field(default=10_000, ge=1)
    """Most orders and events of one customer."""
    max_bytes: int = Field(default=6_000_000, ge=1_000)
    """Most bytes of a request's or a response's body; Lambda's own limit is 6 MiB for each."""
    memory_limit: str = Field(default="1GB", pattern=r"^[0-9.]+ ?([KMGT]i?B|%)$")
    """DuckDB's memory limit: about 0.6 of the function's memory; models and Python need the rest."""
    threads: int = Field(default=2, ge=1)
    """Threads of DuckDB and of ONNX Runtime: the vCPUs of the function."""
    max_input_bytes: int = Field(default=1_000_000_000, ge=1)
    """Most bytes in S3 of one batch input, all its files together; for the state machine, of each file."""
    max_expanded_bytes: int = Field(default=4_000_000_000, ge=1)
    """Most bytes of the same after decompression."""
    max_columns: int = Field(default=2_000, ge=3)
    """Most columns of one batch file."""
    dead_letters: str | None = None
    """URL of the queue that receives a batch message after its last try, with the reason."""
    max_tries: int = Field(default=3, ge=1)
    """Tries of a batch message: the queue's maxReceiveCount."""
    temp_directory: Path = Path("/tmp/regulars")  # noqa: S108 - the one folder that Lambda lets a function write to
    """Folder of DuckDB's spilled data and of batch downloads."""


@cache
def settings() -> Settings:
    """Return this process's settings; SettingsError names each missing or invalid variable."""
    try:
        return Settings.model_validate({name: os.environ[key] for name, key in _keys() if key in os.environ})
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg'].lower()}" for e in error.errors())
        raise SettingsError(f"wrong environment: {wrong}; see docs/operate.md") from error


def _keys() -> list[tuple[str, str]]:
    return [(name, f"{PREFIX}{name.upper()}") for name in Settings.model_fields]
