"""Results in the output bucket, written by conditional writes; the manifest is written last.

A newer input version replaces the older result through an S3 conditional write. The input is checked again before
writing, so no lock or clock is needed:

1. The writer reads the ETags of the current result, then the input's version.
2. If the input has changed, the writer starts again with the new version.
3. Each write has the condition that the object still has the ETag of step 1. If a newer result was written since, the
   condition fails, and the writer starts at step 1.

So the newest version's result stays, in whatever order and however often notifications arrive.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regulars.batch.storage.source import CHANGED, NOT_FOUND, S3, ChangedError, error_code
from regulars.errors import SettingsError

MANIFEST = "_manifest.json"
SHA256, SECONDS = "sha256", "seconds"
"""Metadata of result objects: the content's hash and, for a manifest, the duration of each stage. Durations differ
between runs, so they are not in the manifest, whose bytes must not."""

TYPES = {".json": "application/json", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}

MISSING = "which does not exist; create it, or name another output bucket"
FORBIDDEN = "to which the function has no access; allow its role to list it, and to get, put and delete its objects"
UNUSABLE = {"NoSuchBucket": MISSING, **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "403"), FORBIDDEN)}


@dataclass(frozen=True)
class Stored:
    """A version of an object in the output bucket: its ETag, and the SHA-256 that its writer computed."""

    etag: str
    sha256: str


@dataclass(frozen=True)
class Store:
    """One folder of the output bucket."""

    s3: S3
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def key(self, name: str) -> str:
        """Return a file's key."""
        return f"{self.prefix}/{name}"

    @contextmanager
    def _checked_access(self) -> Iterator[None]:
        """Raise SettingsError when the bucket does not exist or access is denied."""
        try:
            yield
        except self.s3.exceptions.ClientError as error:
            if error_code(error) not in UNUSABLE:
                raise
            raise SettingsError(f"REGULARS_OUTPUT_BUCKET names {self.bucket}, {UNUSABLE[error_code(error)]}") from error

    def find(self, name: str) -> Stored | None:
        """Return a file's current version; None when it does not exist."""
        try:
            with self._checked_access():
                head = self.s3.head_object(Bucket=self.bucket, Key=self.key(name))
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise
        return Stored(head["ETag"], head.get("Metadata", {}).get(SHA256, ""))

    def read_json(self, name: str) -> Any:  # noqa: ANN401 - what a JSON file holds
        """Read a JSON file; None when it does not exist or is not JSON."""
        try:
            with self._checked_access():
                return json.loads(self.s3.get_object(Bucket=self.bucket, Key=self.key(name))["Body"].read())
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise
        except (ValueError, RecursionError):
            return None

    def put_if_unchanged(
        self, name: str, content: bytes | Path, before: Stored | None, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write a file, on the condition that the current version is `before` (None: no file). ChangedError otherwise.

        Writes nothing when `before` has the same content. `metadata` is stored beside the content's hash.
        """
        sha = digest(content)
        if before is not None and before.sha256 == sha:
            return
        condition = {"IfMatch": before.etag} if before else {"IfNoneMatch": "*"}
        try:
            self._put(name, content, {SHA256: sha, **(metadata or {})}, condition)
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in CHANGED or (before and error_code(error) in NOT_FOUND):
                raise ChangedError(f"{self.key(name)} was replaced by another writer") from error
            raise

    def overwrite(self, name: str, content: bytes | Path) -> None:
        """Write a file without a condition: for files whose name determines their content."""
        self._put(name, content, {SHA256: digest(content)}, {})

    def _put(self, name: str, content: bytes | Path, metadata: Mapping[str, str], condition: Mapping[str, str]) -> None:
        kind = TYPES.get(Path(name).suffix, "application/octet-stream")
        request = {"Bucket": self.bucket, "Key": self.key(name), "Metadata": metadata, "ContentType": kind, **condition}
        with self._checked_access():
            if isinstance(content, bytes):
                self.s3.put_object(Body=content, **request)
                return
            with content.open("rb") as stream:
                self.s3.put_object(Body=stream, **request)

    def remove(self, name: str) -> None:
        """Delete a file that the newest result does not have."""
        with self._checked_access():
            self.s3.delete_object(Bucket=self.bucket, Key=self.key(name))

    def has_result(self, identity: Mapping[str, Any]) -> bool:
        """Return whether a finished result with this `identity` exists, and its files have the hashes in its manifest.

        A manifest that cannot be parsed is not a result, and will be replaced.
        """
        manifest = self.read_json(MANIFEST)
        if not isinstance(manifest, dict) or any(manifest.get(key) != value for key, value in identity.items()):
            return False
        files = manifest.get("outputs")
        return isinstance(files, dict) and bool(files) and all(map(self._is_intact, files.items()))

    def _is_intact(self, output: tuple[str, Any]) -> bool:
        name, entry = output
        stored = self.find(name)
        return stored is not None and isinstance(entry, dict) and stored.sha256 == entry.get(SHA256)


def digest(content: bytes | Path) -> str:
    """Return the SHA-256 of bytes or of a file."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def as_json(content: object) -> bytes:
    """Encode as JSON: equal contents give equal bytes."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def outputs(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Return a manifest's entries for result files: bytes and SHA-256 by name."""
    return {name: {"bytes": file.stat().st_size, SHA256: digest(file)} for name, file in files.items()}
