"""The state machine's last step: every count compared, and the manifest, which names the files of all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regulars.batch.counts import CountMismatchError, Counts
from regulars.batch.pipeline import CSV, PART, REJECTS
from regulars.batch.resources.clock import Clock
from regulars.batch.state_machine.buckets import RESULT, BucketResult, name, sum_results
from regulars.batch.state_machine.request import FEATURES
from regulars.batch.state_machine.run import STAGED_SUMMARY, Run
from regulars.batch.state_machine.steps.compare_keys import compared_key
from regulars.batch.state_machine.steps.features import cut_points_of, no_customers, warn_short
from regulars.batch.state_machine.steps.plan import find_input
from regulars.batch.storage.source import ChangedError
from regulars.batch.storage.store import MANIFEST, as_json
from regulars.data.lake import LakeInfo, check_rows
from regulars.data.schema import FEATURED
from regulars.features.cut_points import collapsed
from regulars.ingest.hints import warn_counts, warn_currency, warn_rejects, warn_shared, warn_unread
from regulars.ingest.report import FileReport, total
from regulars.models.loader import ModelLoader


def collect(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Check that every file and bucket is there and adds up, and write the manifest, unless the input has changed.

    HistoryError when nobody has scores or features, LakeError when a lake is not whole, ChangedError when something was
    replaced or is not finished.
    """
    run = Run.open(event["run"])
    result = run.result
    before = {each: result.find(each) for each in (PART, REJECTS, CSV, MANIFEST)}
    batch_input = find_input(run.work.s3, run.plan["input"])
    if run.request.identity(batch_input, loader) != run.plan["wanted"]:
        raise ChangedError(
            f"{batch_input.source.location} or the bundle was replaced while it was scored; start it again"
        )
    rows = _rows(run, clock)
    parts, made = _parts(run, clock)
    scored, rejected = sum_results(parts)
    if not scored:
        raise no_customers(run)
    left = sum(rejected.values())
    counts = rows.counts + Counts(0, 0, 0, scored + left, scored, left, dict(rejected))
    counts.check(scored, rows.lines + left)  # each bucket has compared its files' rows already
    _check_equal("rows split = rows of the buckets", rows.split, sum(part.rows for part in parts))
    files = {f"{run.id}/{each}": value for each, value in {**rows.outputs, **made}.items()}
    found = _of_features(run, counts) if run.request.make == FEATURES else counts.to_dict()
    manifest = {**found, **run.plan["wanted"], "outputs": files}
    result.put_if_unchanged(MANIFEST, as_json(manifest), before[MANIFEST])
    for each in (PART, REJECTS, CSV):
        if before[each]:  # of a version that one function could take
            result.remove(each)
    return {"result": str(result), "customers_scored": scored, "customers_rejected": left}


def _of_features(run: Run, counts: Counts) -> dict[str, Any]:
    """Return what a manifest of features says: the counts, the cut points that were learnt, and what is odd."""
    cut_points = cut_points_of(run)
    short = warn_short(run, [run.read(f"base/{name(bucket)}.json")["last_order"] for bucket in range(run.buckets)])
    said = counts.to_dict()
    said["customers_with_features"] = said.pop("customers_scored")
    said["warnings"] = [*counts.warnings, *collapsed(cut_points), *short]
    return {**said, "cut_points": [list(row) for row in cut_points]}


@dataclass(frozen=True)
class Rows:
    """What became of the files' rows."""

    counts: Counts
    split: int
    """Those that went to buckets."""
    lines: int
    """Those that lie in files of rejects."""
    outputs: dict[str, Any]


def _rows(run: Run, clock: Clock) -> Rows:
    split = _read(run, "split", clock)
    went = sum(said["rows"] for file, said in zip(run.files, split, strict=True) if file.table in FEATURED)
    if not run.is_raw:
        _check_whole(run, split)
        return Rows(Counts(went, went, 0, 0, 0, 0), went, 0, {})
    staged = _read(run, "staged", clock)
    reports = [_report(*each) for each in zip(staged, split, strict=True)]
    for report, said in zip(reports, split, strict=True):
        _check_equal(f"rows of {report.file} kept = split", report.rows_kept, said["rows"])
    compared = [run.read(compared_key(item["table"], item["bucket"])) for item in run.read(STAGED_SUMMARY)["keys"]]
    repeats = sum(said["lines"] for said in split)
    _check_equal("repeats found = repeats rejected", sum(said["repeats"] for said in compared), repeats)
    rejected = dict(sorted(total(reports).items()))
    warnings = _warnings(run, reports, staged, sum(said["shared"] for said in compared))
    read, kept = sum(report.rows_read for report in reports), sum(report.rows_kept for report in reports)
    counts = Counts(read, kept, sum(rejected.values()), 0, 0, 0, rejected, warnings)
    outputs = {name: each for said in (*staged, *split) for name, each in said["outputs"].items()}
    return Rows(counts, went, repeats + sum(said["lines"] for said in staged), outputs)


def _check_whole(run: Run, split: Sequence[dict[str, Any]]) -> None:
    """Raise LakeError when files are missing of those that a lake was made of, or some have come since."""
    info = LakeInfo.model_validate(run.plan["info"])
    for table in FEATURED:
        there = sum(said["rows"] for file, said in zip(run.files, split, strict=True) if file.table == table)
        check_rows(table, there, info)


def _read(run: Run, what: str, clock: Clock) -> list[dict[str, Any]]:
    """Read what a step said of each file."""
    said = []
    for file in run.files:
        clock.check()
        said.append(run.read(f"{what}/{file.path}.json"))
    return said


def _report(staged: dict[str, Any], split: dict[str, Any]) -> FileReport:
    """Return what became of one file's rows, its repeats among the rejected."""
    report = FileReport(**staged["report"])
    if not split["lines"]:
        return report
    rejected = {**report.rejected, f"{staged['key']} is a duplicate": split["lines"]}
    ordered = dict(sorted(rejected.items(), key=lambda one: (-one[1], one[0])))
    return report.model_copy(update={"rows_kept": report.rows_kept - split["lines"], "rejected": ordered})


def _warnings(run: Run, reports: Sequence[FileReport], staged: Sequence[dict[str, Any]], shared: int) -> list[str]:
    """Return what one run over all files warns of, in its order."""
    said = []
    for table in dict.fromkeys(report.table for report in reports):
        here = [report for report in reports if report.table == table]
        of_files = zip(reports, staged, strict=True)
        said += [text for report, each in of_files if report.table == table for text in each["warnings"]]
        said += [*warn_counts(here), *warn_rejects(here), *(warn_shared(shared) if table == "orders" else [])]
    return [*said, *warn_currency(run.plan["info"]["currency"]), *warn_unread(run.plan["unread"])]


def _parts(run: Run, clock: Clock) -> tuple[list[BucketResult], dict[str, Any]]:
    parts: list[BucketResult] = []
    made: dict[str, Any] = {}
    for bucket in range(run.buckets):
        clock.check()
        said = run.parts.read_json(f"{name(bucket)}/{RESULT}")
        if said is None:
            raise ChangedError(f"{run.parts}/{name(bucket)} is not finished; start the run again")
        made |= said.pop("outputs")
        parts.append(BucketResult(**said))
    return parts, made


def _check_equal(what: str, left: int, right: int) -> None:
    if left != right:
        raise CountMismatchError(f"counts do not add up: {what}: {left:,} is not {right:,}; nothing was published")
