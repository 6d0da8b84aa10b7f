"""The bundle: a folder with models, learnt constants and the SQL that feeds them, verified before use.

Loading a bundle can never run code. It holds ONNX graphs, arrays read with `allow_pickle=False`, JSON and SQL text.
manifest.json has the SHA-256 of each file; a file whose hash differs is refused by name.
"""

import hashlib
import json
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from regulars.data.sql import SqlFolder
from regulars.errors import BundleError

MANIFEST = "manifest.json"


class FileEntry(BaseModel):
    """One file of the bundle."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Verdict(BaseModel):
    """The promotion gate's verdict, and why."""

    passed: bool = Field(description="whether the bundle was as good as the gate asks", examples=[True])
    reasons: list[str] = Field(
        description="why: the comparisons that decided", examples=[["better: churn ROC-AUC .95, recency .94"]]
    )


class Manifest(BaseModel):
    """The content of manifest.json: what the bundle is, and its files."""

    model_config = ConfigDict(extra="forbid")

    format: int = Field(default=1, ge=1, le=1)
    bundle: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9a-f]{6}$")
    as_of: datetime
    horizon_days: int = Field(ge=1)
    label_days: int = Field(
        ge=1, description="days of the training labels; forecasts are extended to the horizon if it is longer"
    )
    currency: str
    minor_units: int
    features: list[str]
    training: dict[str, Any] = Field(description="rows and cutoffs of training, and the fingerprint of the data")
    libraries: dict[str, str]
    metrics: dict[str, dict[str, Any]] = Field(description="by task, on held-out time")
    verdict: Verdict
    files: dict[str, FileEntry]

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{name} leads out of the bundle")
        return files

    def identity(self) -> str:
        """Return the id of this content: its date and the start of its hash."""
        content = self.model_dump(mode="json", exclude={"bundle"})
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return f"{self.as_of:%Y-%m-%d}.{digest[:6]}"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Bundle:
    """A bundle folder. The manifest and each file are read and checked at first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._verified: set[str] = set()

    @cached_property
    def manifest(self) -> Manifest:
        """Read and check manifest.json; BundleError when it is missing, truncated or changed."""
        file = self.path / MANIFEST
        try:
            manifest = Manifest.model_validate_json(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BundleError(f'no bundle at {self.path}; run "regulars train" or set REGULARS_BUNDLE') from error
        except (ValidationError, OSError) as error:
            raise BundleError(f"{file} is truncated or changed; restore it, or train the bundle again") from error
        if manifest.identity() != manifest.bundle:
            raise BundleError(f"{file} is not the one that was written as {manifest.bundle}; restore or train again")
        return manifest

    def file(self, name: str) -> Path:
        """Return the path of a file of the manifest, its size and hash checked once; BundleError says what differs."""
        entry = self.manifest.files.get(name)
        if entry is None:
            raise BundleError(f"bundle {self.manifest.bundle} has no {name}; train it again with this version")
        path = self.path / name
        if name not in self._verified:
            if not path.is_file():
                raise BundleError(f"bundle {self.manifest.bundle}: {name} is missing; restore it or train again")
            differs = (
                "size" if path.stat().st_size != entry.bytes else "SHA-256" if _sha256(path) != entry.sha256 else ""
            )
            if differs:
                raise BundleError(
                    f"bundle {self.manifest.bundle}: {name} has changed since training ({differs} differs); "
                    "restore it or train again"
                )
            self._verified.add(name)
        return path

    def json(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the content of a verified JSON file."""
        return json.loads(self.file(name).read_bytes())

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return a verified `.npy` file, memory-mapped and read-only."""
        array: npt.NDArray[Any] = np.load(self.file(name), mmap_mode="r", allow_pickle=False)
        return array

    @cached_property
    def sql(self) -> SqlFolder:
        """Return the bundle's copy of the SQL: only the files that the manifest names, each verified."""
        names = [name for name in self.manifest.files if name.startswith("sql/")]
        for name in names:
            self.file(name)
        return SqlFolder(self.path / "sql", tuple(name.removeprefix("sql/") for name in names))

    @cached_property
    def cut_points(self) -> list[tuple[str, int, int]]:
        """Return the learnt RFM cut points: rows of measure, cut number, cut value."""
        return [tuple(row) for row in self.json("constants/rfm_cut_points.json")]

    def verify(self) -> None:
        """Check every file, and that there is no other; BundleError names the first fault."""
        for name in self.manifest.files:
            self.file(name)
        present = {str(p.relative_to(self.path).as_posix()) for p in self.path.rglob("*") if p.is_file()}
        unknown = sorted(present - set(self.manifest.files) - {MANIFEST})
        if unknown:
            raise BundleError(f"bundle {self.manifest.bundle}: {unknown[0]} is not in its manifest; remove it")
