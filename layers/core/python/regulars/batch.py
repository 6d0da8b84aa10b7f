"""Batch: a file of orders that lands in S3 leaves scores and rejects in the output bucket, by the code of `score`.

    incoming/as_of=2026-06-30/orders.csv            in; a map.toml beside it says how to read it
    scores/2026-06-30/<input-id>/part.parquet       out: one row per customer
    scores/2026-06-30/<input-id>/rejects.parquet    every source row that was not kept, with its reason
    scores/2026-06-30/<input-id>/_manifest.json     last: what was read, kept, rejected and scored

The input's id is made from its bucket, key and content, so that a second notification writes the same bytes again.
"""

import hashlib
import json
import re
import traceback
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import S3Event
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from regulars.errors import RegularsError, SettingsError, SourceError
from regulars.features import parse_as_of
from regulars.ingest.mapping import Mapping, load
from regulars.ingest.run import ingest
from regulars.loader import ModelLoader, process_loader
from regulars.observability import count_customers, logger, metrics
from regulars.scoring import score
from regulars.settings import settings
from regulars.sql import connect

S3 = Any
"""A boto3 client: made at run time, it has no type of its own."""

MAP = "map.toml"
AS_OF = re.compile(r"(?:^|/)as_of=([^/]+)/")


@dataclass(frozen=True)
class Input:
    """One object to score."""

    bucket: str
    key: str

    @property
    def folder(self) -> str:
        """The key up to its last slash."""
        return self.key.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The key after its last slash."""
        return self.key.rpartition("/")[2]


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own object
    """Score every object that an S3 notification names, sent straight here or through SQS.

    Through SQS one bad message fails alone (partial batch response); straight from S3 the first failure is raised,
    and Lambda tries again.
    """
    records = event.get("Records") or []
    if records and records[0].get("eventSource") == "aws:sqs":
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer: dict[str, Any] = dict(process_partial_response(event, _from_sqs, processor, context))
        return answer
    return {"written": _from_s3(event)}


def _from_sqs(record: SQSRecord) -> list[str]:
    try:
        return _from_s3(json.loads(record.body))
    except RegularsError as error:
        logger().error("not scored", extra={"kind": type(error).__name__, "cause": str(error)})
        raise
    except Exception as error:
        # Where it happened, not what it said: a library's text may hold a customer's row.
        where = "".join(traceback.format_tb(error.__traceback__))
        logger().error("not scored", extra={"kind": type(error).__name__, "where": where})
        raise


def _from_s3(notification: dict[str, Any]) -> list[str]:
    """Score the objects of one notification; S3's own test message has none."""
    if notification.get("Event") == "s3:TestEvent":
        return []
    written = []
    for record in S3Event(notification).records:
        # Keys come URL-encoded, a space as a plus.
        source = Input(record.s3.bucket.name, unquote_plus(record.s3.get_object.key))
        if source.name and source.name != MAP:
            written.append(score_object(_client(), source, process_loader()))
    return written


def _client() -> S3:
    import boto3  # noqa: PLC0415 - Lambda's runtime brings it; only batch pays for it

    return boto3.client("s3")


def score_object(s3: S3, source: Input, loader: ModelLoader) -> str:
    """Ingest and score one object, and return the prefix of what was written; the manifest is written last.

    SourceError when the object is gone, unreadable or says no `as_of`; SettingsError without an output bucket.
    """
    bucket = settings().output_bucket
    if bucket is None:
        raise SettingsError("REGULARS_OUTPUT_BUCKET is not set; name the bucket that scores go to")
    settings().temp_directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings().temp_directory) as folder:
        local = Path(folder) / "in" / source.name
        fetched = _fetch(s3, source, local)
        as_of = _as_of(source, fetched)
        prefix = f"scores/{as_of:%Y-%m-%d}/{_input_id(source, local)}"
        manifest = _score_file(s3, source, local, as_of, loader)
        manifest["input"] = {"bucket": source.bucket, "key": source.key, "etag": fetched["ETag"].strip('"')}
        for name in ("part.parquet", "rejects.parquet"):
            if (file := local.parent.parent / name).exists():
                s3.upload_file(str(file), bucket, f"{prefix}/{name}")
        body = json.dumps(manifest, indent=1, sort_keys=True).encode()
        s3.put_object(Bucket=bucket, Key=f"{prefix}/_manifest.json", Body=body, ContentType="application/json")
    bundle = loader.bundle.manifest
    count_customers(bundle.bundle, bundle.as_of, scored=manifest["customers_scored"], rejected=0)
    metrics().add_metric("RowsRejected", MetricUnit.Count, manifest["rows_rejected"])
    logger().info("scored", extra={key: value for key, value in manifest.items() if isinstance(value, int)})
    return f"s3://{bucket}/{prefix}"


def _fetch(s3: S3, source: Input, local: Path) -> dict[str, Any]:
    """Download the object and return its head; SourceError when it is not there."""
    local.parent.mkdir(parents=True)
    try:
        head: dict[str, Any] = s3.head_object(Bucket=source.bucket, Key=source.key)
        s3.download_file(source.bucket, source.key, str(local))
    except s3.exceptions.ClientError as error:
        raise SourceError(f"s3://{source.bucket}/{source.key} cannot be read: {error}") from error
    return head


def _as_of(source: Input, head: dict[str, Any]) -> datetime:
    """Read the moment to score at from the key or the object's metadata; never from the clock."""
    said = AS_OF.search(source.key)
    text = said[1] if said else head.get("Metadata", {}).get("as-of")
    if text is None:
        raise SourceError(
            f"s3://{source.bucket}/{source.key} does not say its as_of; put it under incoming/as_of=2026-06-30/, "
            "or give the object the metadata as-of"
        )
    return parse_as_of(text)


def _input_id(source: Input, local: Path) -> str:
    """Name an input by its file and a hash of where it lay and what it held."""
    with local.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256(f"{source.bucket}/{source.key}/{content}".encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', source.name.partition('.')[0])}-{digest[:12]}"


def _score_file(s3: S3, source: Input, local: Path, as_of: datetime, loader: ModelLoader) -> dict[str, Any]:
    """Write part.parquet and rejects.parquet two levels above `local`, and return the counts."""
    work = local.parent.parent
    lake = work / "lake"
    mapping = _mapping(s3, source, work, loader.bundle.manifest.currency)
    with closing(connect(settings().memory_limit, settings().threads, work / "spill")) as connection:
        report = ingest([local], lake, mapping=mapping, sql=loader.bundle.sql, connection=connection)
        scored = score(connection, lake, loader, as_of, work / "part.parquet")
    if (rejects := lake / "rejects" / "orders.parquet").exists():
        rejects.rename(work / "rejects.parquet")
    return {
        "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "bundle": loader.bundle.manifest.bundle,
        "rows_read": report.rows_read,
        "rows_kept": report.rows_kept,
        "rows_rejected": report.rows_rejected,
        "customers": report.customers,
        "customers_scored": scored,
        "warnings": report.warnings,
    }


def _mapping(s3: S3, source: Input, work: Path, currency: str) -> Mapping:
    """Return the map that lies beside the object; without one the contract's names hold, in the bundle's currency."""
    local = work / MAP
    try:
        s3.download_file(source.bucket, f"{source.folder}/{MAP}", str(local))
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return Mapping(currency=currency)
        raise
    return load(local)
