"""The command `regulars batch`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regulars_workbench import console

if TYPE_CHECKING:
    from regulars_workbench.batch.run import Run

AT_ONCE_HELP = "customers per shard, which one thread scores; 0 chooses automatically"
MEMORY_HELP = "DuckDB's memory before it spills to disk; default 300MB to 1500MB by the input's size"
BUCKET_HELP = "s3://: number of buckets that customers are split into; 0 chooses automatically"


def batch(  # noqa: PLR0913 - one plain option each
    source: Annotated[
        str, typer.Argument(help="file of orders, *.manifest.json, folder of files, lake; or s3://bucket/prefix")
    ],
    *,
    bundle: Annotated[Path | None, typer.Option(help="folder made by train; s3:// uses the deployed bundle")] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write; s3:// writes to the output bucket")] = None,
    as_of: Annotated[str | None, typer.Option(help="date or timestamp (UTC); default: from a folder as_of=...")] = None,
    map_file: Annotated[Path | None, typer.Option("--map", help="TOML map; default: map.toml beside it")] = None,
    lake: Annotated[bool, typer.Option("--lake", help="refuse a source that is not a lake made by ingest")] = False,
    threads: Annotated[int, typer.Option(help="threads; 0 uses all cores", min=0)] = 0,
    at_once: Annotated[int, typer.Option(help=AT_ONCE_HELP, min=0, max=1_000_000)] = 0,
    buckets: Annotated[int, typer.Option(help=BUCKET_HELP, min=0, max=1000)] = 0,
    reasons: Annotated[int, typer.Option(help="reasons per prediction of value and churn", min=0, max=10)] = 3,
    csv: Annotated[bool, typer.Option("--csv", help="also write part.csv")] = False,
    make: Annotated[str, typer.Option(help="s3://: scores, or features for your own models")] = "scores",
    label_days: Annotated[
        int, typer.Option(help="s3:// with --make features: add labels of this many days from --as-of on", min=0)
    ] = 0,
    memory_limit: Annotated[str | None, typer.Option(help=MEMORY_HELP)] = None,
    state_machine: Annotated[
        str | None,
        typer.Option("--machine", help="s3://: ARN of the state machine", envvar="REGULARS_STATE_MACHINE"),
    ] = None,
) -> None:
    """Score every customer of a file, a folder or a lake; after an interruption, the same command continues."""
    if source.lower().startswith("s3://"):
        if map_file:
            raise typer.BadParameter("--map is for files on this machine; in S3, put it beside the objects as map.toml")
        from regulars_workbench.batch.remote import start

        options = {"as_of": as_of, "buckets": buckets, "csv": csv, "make": make, "label_days": label_days}
        console.say(f"Started {start(source, state_machine, **options)}")
        return
    if make != "scores" or label_days:
        raise typer.BadParameter("--make and --label-days are for s3://; on this machine use regulars features")
    if buckets:
        raise typer.BadParameter("--buckets is for s3://; on this machine use --at-once")
    if bundle is None or out is None:
        raise typer.BadParameter("a source on this machine needs --bundle and --out")
    from regulars.data.lake import read_info
    from regulars_workbench.batch.resources import Resources
    from regulars_workbench.batch.run import Run
    from regulars_workbench.batch.source import open_source

    if lake:
        read_info(Path(source))
    opened_source = open_source(Path(source), as_of=as_of, map_file=map_file, csv=csv)
    if opened_source.lake and map_file:
        raise typer.BadParameter("--map is for raw files; a lake is already mapped")
    resources = Resources(threads or os.cpu_count() or 1, memory_limit, at_once, reasons)
    with console.progress(100) as advance:
        run = Run(opened_source, bundle, out, resources, advance)
        with _note_finished_work(run):
            manifest = run()
    _show(manifest, run.seconds, out)


@contextmanager
def _note_finished_work(run: "Run") -> Iterator[None]:
    """After an interruption, print where the finished work is, and how to continue."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if run.has_finished:
            console.note(f"Finished work is in {run.work}: the same command continues from there")
        raise


def _show(manifest: dict[str, Any], seconds: dict[str, float], out: Path) -> None:
    rows = [
        (unit, *(manifest[f"{unit}_{outcome}"] for outcome in ("read", kept, "rejected")))
        for unit, kept in (("rows", "kept"), ("customers", "scored"))
    ]
    console.table("Counts", ("", ">read", ">kept or scored", ">rejected"), rows)
    if manifest["rejected"]:
        console.table("Rejected, all in rejects.parquet", ("reason", ">count"), list(manifest["rejected"].items())[:20])
    for warning in manifest["warnings"]:
        console.say(warning, "yellow", "warning: ")
    stages = ", ".join(f"{stage} {duration:.1f} s" for stage, duration in seconds.items())
    console.say(f"Wrote {out}: {manifest['customers_scored']:,} customers, bundle {manifest['bundle']} ({stages})")
