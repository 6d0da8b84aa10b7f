"""The state machine's last step: check all counts, and write the manifest with the outputs of all steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regulars.batch.counts import CountMismatchError, Counts
from regulars.batch.pipeline import CSV, PART, REJECTS
from regulars.batch.resources.clock import Clock
from regulars.batch.state_machine.buckets import RESULT, BucketResult, name, sum_results
from regulars.batch.state_machine.request import FEATURES
from regulars.batch.state_machine.run import STAGED_SUMMARY, Run
from regulars.batch.state_machine.steps.compare_keys import compared_key
from regulars.batch.state_machine.steps.features import cut_points_of, no_customers, warn_short_labels
from regulars.batch.state_machine.steps.plan import find_input
from regulars.batch.storage.source import ChangedError
from regulars.batch.storage.store import MANIFEST, as_json
from regulars.data.lake import LakeInfo, check_rows
from regulars.data.schema import FEATURED
from regulars.features.cut_points import collapsed
from regulars.ingest.judging import duplicates
from regulars.ingest.judging.hints import EqualLines, warn_counts, warn_currency, warn_rejects, warn_shared, warn_unread
from regulars.ingest.judging.rejects import Policy
from regulars.ingest.report import FileReport, total
from regulars.models.loader import ModelLoader


def collect(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Check that all files and buckets are finished and add up, then write the manifest.

    HistoryError when no customer has scores or features, LakeError when files of a lake are missing, ChangedError when
    the input has changed or a step is not finished.
    """
    run = Run.open(event["run"])
    result = run.result
    before = {file: result.find(file) for file in (PART, REJECTS, CSV, MANIFEST)}
    batch_input = find_input(run.work.s3, run.plan["input"])
    if run.request.identity(batch_input, loader) != run.plan["wanted"]:
        raise ChangedError(
            f"{batch_input.source.location} or the bundle was replaced while it was being scored; start it again"
        )
    rows = _rows(run, clock)
    results, written = _bucket_results(run, clock)
    scored, rejected = sum_results(results)
    if not scored:
        raise no_customers(run)
    others = sum(rejected.values())
    counts = rows.counts + Counts(0, 0, 0, scored + others, scored, others, dict(rejected))
    counts.check(scored, rows.reject_rows + others)  # each bucket has checked the rows of its own files
    _check_equal("rows split = rows of the buckets", rows.split, sum(bucket.rows for bucket in results))
    files = {f"{run.id}/{file}": entry for file, entry in {**rows.outputs, **written}.items()}
    entries = _feature_entries(run, counts) if run.request.make == FEATURES else counts.to_dict()
    manifest = {**entries, **run.plan["wanted"], "outputs": files}
    result.put_if_unchanged(MANIFEST, as_json(manifest), before[MANIFEST])
    for file in (PART, REJECTS, CSV):
        if before[file]:  # of an earlier version, scored by one function
            result.remove(file)
    return {"result": str(result), "customers_scored": scored, "customers_rejected": others}


def _feature_entries(run: Run, counts: Counts) -> dict[str, Any]:
    """Return the entries of a manifest of features: counts, cut points and warnings."""
    cut_points = cut_points_of(run)
    short_labels = warn_short_labels(
        run, [run.read(f"base/{name(bucket)}.json")["last_order"] for bucket in range(run.buckets)]
    )
    entries = counts.to_dict()
    entries["customers_with_features"] = entries.pop("customers_scored")
    entries["warnings"] = [*counts.warnings, *collapsed(cut_points), *short_labels]
    return {**entries, "cut_points": [list(row) for row in cut_points]}


Compared = Mapping[str, Sequence[dict[str, Any]]]
"""What comparing each bucket of a table's keys gave."""


@dataclass(frozen=True)
class Rows:
    """The counts of all files' rows."""

    counts: Counts
    split: int
    """Rows that were split into buckets."""
    reject_rows: int
    """Rows in the rejects files."""
    outputs: dict[str, Any]


def _rows(run: Run, clock: Clock) -> Rows:
    split = _read(run, "split", clock)
    split_rows = sum(done["rows"] for file, done in zip(run.files, split, strict=True) if file.table in FEATURED)
    if not run.is_raw:
        _check_whole(run, split)
        return Rows(Counts(split_rows, split_rows, 0, 0, 0, 0), split_rows, 0, {})
    staged = _read(run, "staged", clock)
    reports = [_report(*pair) for pair in zip(staged, split, strict=True)]
    for report, done in zip(reports, split, strict=True):
        _check_equal(f"rows of {report.file} kept = split", report.rows_kept, done["rows"])
    compared = [run.read(compared_key(item["table"], item["bucket"])) for item in run.read(STAGED_SUMMARY)["keys"]]
    repeats = sum(done["lines"] for done in split)
    _check_equal(
        "repeats found = repeats rejected", sum(bucket["repeats"] + bucket["dropped"] for bucket in compared), repeats
    )
    rejected = dict(sorted(total(reports).items()))
    tables = [item["table"] for item in run.read(STAGED_SUMMARY)["keys"]]
    by_table = {
        table: [bucket for at, bucket in zip(tables, compared, strict=True) if at == table] for table in set(tables)
    }
    warnings = _warnings(run, reports, staged, by_table)
    read, kept = sum(report.rows_read for report in reports), sum(report.rows_kept for report in reports)
    counts = Counts(read, kept, sum(rejected.values()), 0, 0, 0, rejected, warnings)
    outputs = {file: entry for done in (*staged, *split) for file, entry in done["outputs"].items()}
    return Rows(counts, split_rows, repeats + sum(done["lines"] for done in staged), outputs)


def _check_whole(run: Run, split: Sequence[dict[str, Any]]) -> None:
    """Raise LakeError when a lake has fewer or more rows than lake.json says."""
    info = LakeInfo.model_validate(run.plan["info"])
    for table in FEATURED:
        rows = sum(done["rows"] for file, done in zip(run.files, split, strict=True) if file.table == table)
        check_rows(table, rows, info)


def _read(run: Run, step: str, clock: Clock) -> list[dict[str, Any]]:
    """Read a step's result for each file."""
    results = []
    for file in run.files:
        clock.check()
        results.append(run.read(f"{step}/{file.path}.json"))
    return results


def _report(staged: dict[str, Any], split: dict[str, Any]) -> FileReport:
    """Return one file's report, with its repeats among the rejected rows."""
    report = FileReport(**staged["report"])
    if not split["lines"]:
        return report
    rejected = {**report.rejected, **split["repeated"]}
    ordered = dict(sorted(rejected.items(), key=lambda item: (-item[1], item[0])))
    return report.model_copy(update={"rows_kept": report.rows_kept - split["lines"], "rejected": ordered})


def _warnings(
    run: Run, reports: Sequence[FileReport], staged: Sequence[dict[str, Any]], compared: Compared
) -> list[str]:
    """Return the warnings that a single run over all files gives, in its order."""
    warnings: list[str] = []
    for table in dict.fromkeys(report.table for report in reports):
        of_table = [report for report in reports if report.table == table]
        pairs = zip(reports, staged, strict=True)
        warnings += [text for report, result in pairs if report.table == table for text in result["warnings"]]
        buckets = compared.get(table, [])
        lines = (
            EqualLines(*map(sum, zip(*(bucket["lines"] for bucket in buckets), strict=True)))
            if buckets
            else EqualLines()
        )
        warnings += [
            *_same_rows(run, table, buckets),
            *warn_counts(of_table, sum(bucket["alike"] for bucket in buckets)),
            *lines.judge(run.mapping.sections.get(table)),
            *warn_rejects(of_table),
            *(warn_shared(sum(bucket["shared"] for bucket in buckets)) if table == "orders" else []),
        ]
    return [*warnings, *warn_currency(run.plan["info"]["currency"]), *warn_unread(run.plan["unread"])]


def _same_rows(run: Run, table: str, buckets: Sequence[dict[str, Any]]) -> list[str]:
    """Warn of rows that stand twice, as a single run does."""
    number = sum(bucket["same"] for bucket in buckets)
    if not number:
        return []
    places = sorted(tuple(place) for bucket in buckets for place in bucket["same_places"])[: duplicates.SHOWN]
    policy = Policy(currency=run.mapping.currency)
    money = policy.money(sum(bucket["same_money"] for bucket in buckets)) if table == "orders" else None
    return [duplicates.warning(number, ", ".join(place for _, place in places), money)]


def _bucket_results(run: Run, clock: Clock) -> tuple[list[BucketResult], dict[str, Any]]:
    results: list[BucketResult] = []
    written: dict[str, Any] = {}
    for bucket in range(run.buckets):
        clock.check()
        result = run.parts.read_json(f"{name(bucket)}/{RESULT}")
        if result is None:
            raise ChangedError(f"{run.parts}/{name(bucket)} is not finished; start the run again")
        written |= result.pop("outputs")
        results.append(BucketResult(**result))
    return results, written


def _check_equal(equation: str, left: int, right: int) -> None:
    if left != right:
        raise CountMismatchError(f"counts do not add up: {equation}: {left:,} is not {right:,}; nothing was published")
