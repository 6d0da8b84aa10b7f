"""Results in the output bucket: each object replaces only what its writer had seen there, and the manifest comes last.

A writer looks at what is there, then at the input once more, and then writes under the condition that what is there is
still what it saw. Whoever read an older version of the input either fails the second look or, when a newer version's
result came in between, the condition. So the newest version's result is the one that stays, in whatever order and
however often notifications arrive, without a lock that somebody could die holding.
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
"""What objects say of themselves beside their content: its hash, and of a manifest how long each stage took. Durations
differ each time, and the manifest's bytes must not."""

TYPES = {".json": "application/json", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}

MISSING = "which does not exist; create it, or name the bucket that scores go to"
FORBIDDEN = "which the function may not use; allow its role to list it, and to get, put and delete objects in it"
UNUSABLE = {"NoSuchBucket": MISSING, **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "403"), FORBIDDEN)}


@dataclass(frozen=True)
class Stored:
    """An object of the output bucket as it was: S3's own tag, and the SHA-256 that its writer gave it."""

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
    def _used(self) -> Iterator[None]:
        """Raise SettingsError when the bucket as a whole cannot be used."""
        try:
            yield
        except self.s3.exceptions.ClientError as error:
            if error_code(error) not in UNUSABLE:
                raise
            raise SettingsError(f"REGULARS_OUTPUT_BUCKET names {self.bucket}, {UNUSABLE[error_code(error)]}") from error

    def find(self, name: str) -> Stored | None:
        """Look at a file; None when it is not there."""
        try:
            with self._used():
                head = self.s3.head_object(Bucket=self.bucket, Key=self.key(name))
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise
        return Stored(head["ETag"], head.get("Metadata", {}).get(SHA256, ""))

    def read_json(self, name: str) -> Any:  # noqa: ANN401 - what a JSON file holds
        """Read a JSON file; None when it is not there, or is none."""
        try:
            with self._used():
                return json.loads(self.s3.get_object(Bucket=self.bucket, Key=self.key(name))["Body"].read())
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in NOT_FOUND:
                return None
            raise
        except (ValueError, RecursionError):
            return None

    def put_if_unchanged(
        self, name: str, content: bytes | Path, before: Stored | None, said: Mapping[str, str] | None = None
    ) -> None:
        """Write a file in the place of what was seen; nothing when that holds the same. ChangedError when it went.

        `said` goes with it as metadata, beside the content's hash.
        """
        sha = digest(content)
        if before is not None and before.sha256 == sha:
            return
        condition = {"IfMatch": before.etag} if before else {"IfNoneMatch": "*"}
        try:
            self._put(name, content, {SHA256: sha, **(said or {})}, condition)
        except self.s3.exceptions.ClientError as error:
            if error_code(error) in CHANGED or (before and error_code(error) in NOT_FOUND):
                raise ChangedError(f"{self.key(name)} was written by somebody else meanwhile") from error
            raise

    def overwrite(self, name: str, content: bytes | Path) -> None:
        """Write a file whatever is there: one that has a single possible content."""
        self._put(name, content, {SHA256: digest(content)}, {})

    def _put(self, name: str, content: bytes | Path, metadata: Mapping[str, str], condition: Mapping[str, str]) -> None:
        kind = TYPES.get(Path(name).suffix, "application/octet-stream")
        said = {"Bucket": self.bucket, "Key": self.key(name), "Metadata": metadata, "ContentType": kind, **condition}
        with self._used():
            if isinstance(content, bytes):
                self.s3.put_object(Body=content, **said)
                return
            with content.open("rb") as stream:
                self.s3.put_object(Body=stream, **said)

    def remove(self, name: str) -> None:
        """Remove a file that the newest result does not have."""
        with self._used():
            self.s3.delete_object(Bucket=self.bucket, Key=self.key(name))

    def has_result(self, wanted: Mapping[str, Any]) -> bool:
        """Say whether a finished result is here that says `wanted`, each of its files as its manifest names it.

        A manifest that cannot be understood is no result: it will be replaced.
        """
        manifest = self.read_json(MANIFEST)
        if not isinstance(manifest, dict) or any(manifest.get(key) != value for key, value in wanted.items()):
            return False
        named = manifest.get("outputs")
        return isinstance(named, dict) and bool(named) and all(map(self._is_there, named.items()))

    def _is_there(self, output: tuple[str, Any]) -> bool:
        name, said = output
        stored = self.find(name)
        return stored is not None and isinstance(said, dict) and stored.sha256 == said.get(SHA256)


def digest(content: bytes | Path) -> str:
    """Return the SHA-256 of bytes or of a file."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def as_json(content: object) -> bytes:
    """Write JSON the same way each time."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def outputs(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Return what a manifest says of result files: bytes and SHA-256."""
    return {name: {"bytes": file.stat().st_size, SHA256: digest(file)} for name, file in files.items()}
