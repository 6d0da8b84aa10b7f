"""Batch scoring by stage, and beside a naive script: `make bench-batch LAKE=... BUNDLE=... AS_OF=...`.

LAKE has a million customers, made by `regulars simulate`. Its first files are used as a lake of 100,000. Prints wall
and CPU seconds of whole processes, with start-up, and their memory as proportional set size.
"""

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
from moto.server import ThreadedMotoServer
from rich.console import Console
from rich.table import Table

from benchmarks.batch.container import contained
from benchmarks.batch.measure import Taken, run
from regulars.data.lake import finish
from regulars.data.sql import connect
from tools.sam.shell import Skip

SMALL = 5
"""Files of a table that hold 100,000 customers."""

TABLES = ("orders", "customers", "events")
FUNCTION_MB = 1769
KEYS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}


def first_files(lake: Path, out: Path) -> Path:
    """Make a lake from the first files of each table."""
    for table in TABLES:
        (out / table).mkdir(parents=True)
        for file in sorted((lake / table).glob("*.parquet"))[:SMALL]:
            shutil.copy(file, out / table)
    info = json.loads((lake / "lake.json").read_bytes())
    with connect() as connection:
        finish(connection, out, info["currency"], info["minor_units"])
    return out


def export(lake: Path, out: Path) -> Path:
    """Write a lake's tables as raw Parquet with the columns of the data contract."""
    with connect() as connection:
        for table in TABLES:
            names = [
                row[0] for row in connection.execute(f"describe select * from '{lake}/{table}/*.parquet'").fetchall()
            ]
            money = [name for name in names if name.endswith("_cents")]
            kept = ", ".join(f"{n} / 100 as {n.removesuffix('_cents')}" if n in money else n for n in names)
            (out / table).mkdir(parents=True)
            query = f"copy (select {kept} from '{lake}/{table}/*.parquet') to '{out}/{table}/{table}.parquet'"
            connection.execute(f"{query} (format parquet)")
    return out


def function(raw: Path, bundle: Path, as_of: str, temp: Path) -> tuple[str, Taken]:
    """Run the function on raw files in a simulated S3, in a container if possible; return where it ran and its cost."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    session = boto3.Session("none", "none", region_name="us-east-1")
    s3 = session.client("s3", endpoint_url=address)
    for name in ("bench-incoming", "bench-scores"):
        s3.create_bucket(Bucket=name)
    folder = f"incoming/as_of={as_of}"
    for table in TABLES:
        s3.upload_file(str(raw / table / f"{table}.parquet"), "bench-incoming", f"{folder}/_files/{table}.parquet")
    manifest = json.dumps({table: f"_files/{table}.parquet" for table in TABLES})
    s3.put_object(Bucket="bench-incoming", Key=f"{folder}/all.manifest.json", Body=manifest.encode())
    environment = {
        **KEYS,
        "AWS_ENDPOINT_URL": address,
        "REGULARS_BUNDLE": str(bundle),
        "REGULARS_OUTPUT_BUCKET": "bench-scores",
        "REGULARS_MEMORY_LIMIT": "800MB",
        "REGULARS_THREADS": "1",
        "REGULARS_TEMP_DIRECTORY": str(temp / "function"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    arguments = ["bench-incoming", f"{folder}/all.manifest.json"]
    try:
        return f"function in a container, 1 core, {FUNCTION_MB} MiB", contained(
            arguments, bundle, environment, FUNCTION_MB
        )
    except Skip as reason:
        sys.stderr.write(f"no container: {reason}\n")
        taken = run(["-m", "benchmarks.batch.function", *arguments, FUNCTION_MB], environment)
        return f"function in a process, 1 core, {FUNCTION_MB} MB of data", taken
    finally:
        server.stop()


Row = tuple[str, Taken, int, str]


def ours(options: argparse.Namespace, lake: Path, raw: Path, temp: Path) -> Iterator[Row]:
    """Measure `regulars batch` and the function on 100,000 customers."""
    command = ["-m", "regulars", "batch", "--bundle", options.bundle, "--as-of", options.as_of, "--out", temp / "out"]
    taken = run([*command, lake])
    scored = json.loads((temp / "out" / "_manifest.json").read_bytes())["customers_scored"]
    yield "regulars batch, lake", taken, scored, stages(taken)
    taken = run([*command, lake, "--reasons", 0])
    yield "regulars batch, lake, no reasons", taken, scored, stages(taken)
    taken = run([*command, raw])
    yield "regulars batch, raw Parquet", taken, scored, stages(taken)
    where, taken = function(raw, options.bundle, options.as_of, temp)
    stage_seconds = json.loads(taken.output.splitlines()[-1])
    yield where, taken, stage_seconds["customers"], seconds(stage_seconds)
    taken = run(["-m", "benchmarks.batch.stages", lake, options.bundle, options.as_of])
    yield "one thread, stage by stage", taken, scored, seconds(json.loads(taken.output))


def peers(options: argparse.Namespace, lake: Path, temp: Path) -> Iterator[Row]:
    """Measure the naive scripts on the same customers; time for reasons is extrapolated from a sample."""
    path = {"PYTHONPATH": f"{sys.path[0]}:{options.peer}"}
    for what, module in (("naive: pandas, joblib, no reasons", "naive"), ("naive: the same answers", "same")):
        command = ["-m", f"benchmarks.batch.{module}", lake, options.as_of, temp, temp / "naive.parquet"]
        run([*command, "--fit"], path)
        taken = run(command, path)
        stage_seconds = json.loads(taken.output)
        wall = taken.wall_s - stage_seconds.pop("sampled", 0) + stage_seconds.get("reasons", 0)
        yield what, taken._replace(wall_s=wall), stage_seconds["customers"], seconds(stage_seconds)


def million(options: argparse.Namespace, temp: Path) -> Iterator[Row]:
    """Measure a million customers from raw Parquet."""
    raw = export(options.lake, temp / "raw")
    taken = run(
        ["-m", "regulars", "batch", raw, "--bundle", options.bundle, "--as-of", options.as_of, "--out", temp / "o3"]
    )
    scored = json.loads((temp / "o3" / "_manifest.json").read_bytes())["customers_scored"]
    yield "regulars batch, raw Parquet", taken, scored, stages(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lake", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("as_of")
    parser.add_argument("--peer", help="folder with pandas; without it the naive scripts are skipped")
    parser.add_argument("--small", action="store_true", help="skip the million")
    options = parser.parse_args()
    table = Table("what", "customers", "wall s", "CPU s", "customers/s", "peak MB", "stages")
    with TemporaryDirectory(prefix="regulars-bench-") as name:
        temp = Path(name)
        small = first_files(options.lake, temp / "small")
        rows = ours(options, small, export(small, temp / "raw-small"), temp)
        more = peers(options, small, temp) if options.peer else ()
        for what, taken, customers, stage_text in chain(rows, more, () if options.small else million(options, temp)):
            rate = f"{customers / taken.wall_s:,.0f}"
            figures = f"{taken.wall_s:.1f}", f"{taken.cpu_s:.1f}", rate, f"{taken.peak_mb:,.0f}"
            table.add_row(what, f"{customers:,}", *figures, stage_text)
    Console(width=150).print(table)


def stages(taken: Taken) -> str:
    """Return the stage times that `regulars batch` printed."""
    return " ".join(taken.output.rpartition("(")[2].split()).rstrip(")")


def seconds(stage_seconds: dict[str, float]) -> str:
    """Return stages with their seconds, as text."""
    return ", ".join(f"{name} {value:.1f}" for name, value in stage_seconds.items() if name != "customers")


main()
