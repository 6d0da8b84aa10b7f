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

AT_ONCE_HELP = "customers that a thread scores at a time; 0 asks their number"
MEMORY_HELP = "what DuckDB may take before it spills to disk; else 300MB to 1500MB by the input's size"
BUCKET_HELP = "s3://: customers are split into so many parts by the md5 of their id; 0 asks their number"


def batch(  # noqa: PLR0913 - one plain option each
    source: Annotated[
        str, typer.Argument(help="file of orders, *.manifest.json, folder of files, lake; or s3://bucket/prefix")
    ],
    *,
    bundle: Annotated[Path | None, typer.Option(help="folder made by train; s3:// uses the deployed one")] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write; s3:// writes to the output bucket")] = None,
    as_of: Annotated[str | None, typer.Option(help="date or timestamp (UTC); else from a folder as_of=...")] = None,
    map_file: Annotated[Path | None, typer.Option("--map", help="TOML map; else the map.toml beside")] = None,
    lake: Annotated[bool, typer.Option("--lake", help="refuse what is no lake made by ingest")] = False,
    threads: Annotated[int, typer.Option(help="threads; 0 are as many as cores", min=0)] = 0,
    at_once: Annotated[int, typer.Option(help=AT_ONCE_HELP, min=0, max=1_000_000)] = 0,
    buckets: Annotated[int, typer.Option(help=BUCKET_HELP, min=0, max=1000)] = 0,
    reasons: Annotated[int, typer.Option(help="reasons for each answer of value and churn", min=0, max=10)] = 3,
    csv: Annotated[bool, typer.Option("--csv", help="write part.csv, too")] = False,
    make: Annotated[str, typer.Option(help="s3://: scores, or features for models of your own")] = "scores",
    label_days: Annotated[
        int, typer.Option(help="s3:// and features: with what happened in so many days from --as-of on", min=0)
    ] = 0,
    memory_limit: Annotated[str | None, typer.Option(help=MEMORY_HELP)] = None,
    machine: Annotated[
        str | None, typer.Option(help="ARN of the state machine, for s3://", envvar="REGULARS_STATE_MACHINE")
    ] = None,
) -> None:
    """Score every customer of a file, a folder or a lake; interrupted, the same command goes on where it was."""
    if source.lower().startswith("s3://"):
        if map_file:
            raise typer.BadParameter("--map is for files on this machine; put it beside the objects as map.toml")
        from regulars_workbench.batch.remote import start

        asked = {"as_of": as_of, "buckets": buckets, "csv": csv, "make": make, "label_days": label_days}
        console.say(f"Started {start(source, machine, **asked)}")
        return
    if make != "scores" or label_days:
        raise typer.BadParameter("--make and --label-days are for s3://; on this machine there is regulars features")
    if buckets:
        raise typer.BadParameter("--buckets is for s3://; on this machine there is --at-once")
    if bundle is None or out is None:
        raise typer.BadParameter("a source on this machine needs --bundle and --out")
    from regulars.data.lake import read_info
    from regulars_workbench.batch.resources import Resources
    from regulars_workbench.batch.run import Run
    from regulars_workbench.batch.source import open_source

    if lake:
        read_info(Path(source))
    opened = open_source(Path(source), as_of=as_of, map_file=map_file, csv=csv)
    if opened.lake and map_file:
        raise typer.BadParameter("--map is for raw files; a lake has been read by one already")
    resources = Resources(threads or os.cpu_count() or 1, memory_limit, at_once, reasons)
    with console.progress(100) as advance:
        run = Run(opened, bundle, out, resources, advance)
        with _told(run):
            manifest = run()
    _say(manifest, run.seconds, out)


@contextmanager
def _told(run: "Run") -> Iterator[None]:
    """Say after an interruption where what is finished lies, and what to do with it."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if run.has_finished:
            console.errors.print(
                f"What is finished lies in {run.work}: the same command goes on from there", soft_wrap=True
            )
        raise


def _say(manifest: dict[str, Any], seconds: dict[str, float], out: Path) -> None:
    rows = [
        (what, *(manifest[f"{what}_{how}"] for how in ("read", kept, "rejected")))
        for what, kept in (("rows", "kept"), ("customers", "scored"))
    ]
    console.table("In and out", ("", ">read", ">kept or scored", ">rejected"), rows)
    if manifest["rejected"]:
        console.table("Rejected, all in rejects.parquet", ("reason", ">count"), list(manifest["rejected"].items())[:20])
    for warning in manifest["warnings"]:
        console.say(warning, "yellow", "warning: ")
    stages = ", ".join(f"{stage} {took:.1f} s" for stage, took in seconds.items())
    console.say(f"Wrote {out}: {manifest['customers_scored']:,} customers, bundle {manifest['bundle']} ({stages})")
