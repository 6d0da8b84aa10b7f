"""First answers of new processes under the real runtime client and emulator: `make bench-cold`.

Contestants: our functions; an empty FastAPI function; a naive one (scikit-learn, XGBoost, joblib, features in pandas).
Every round starts each contestant once, so other load on the machine affects all. Writes benchmarks/cold.json.
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core" / "python")]

from regulars.data.lake import attach  # noqa: E402 - sys.path comes first
from regulars.data.sql import connect  # noqa: E402 - sys.path comes first
from tools.build import WHEELS, build_core, lambda_python, layer_folder  # noqa: E402 - sys.path comes first
from tools.emulator import RUNTIME, architecture, missing, running  # noqa: E402 - sys.path comes first
from tools.template import template  # noqa: E402 - sys.path comes first

HERE = Path(__file__).parent
BUILD = HERE / "build"
BUNDLE = ROOT / "layers" / "models" / "bundle"
OURS = ("churn", "clv", "segment", "profile")
RESULTS = HERE.with_suffix(".json")
ROUNDS = int(os.environ.get("ROUNDS", "11"))
PACKAGES = 16


@dataclass(frozen=True)
class Contestant:
    """A function's folder, import path, environment and event."""

    folder: Path
    path: list[Path]
    environment: dict[str, str]
    event: dict[str, Any]


def event(route: str) -> dict[str, Any]:
    """Return churn's event with another route."""
    request: dict[str, Any] = json.loads((ROOT / "functions" / "churn" / "event.json").read_bytes())
    request |= {"rawPath": f"/{route}", "routeKey": f"POST /{route}"}
    request["requestContext"]["http"]["path"] = f"/{route}"
    return request


def libraries(name: str) -> Path:
    """Install a contestant's requirements like a user: with pip, untrimmed, byte-compiled."""
    folder = BUILD / name
    if not folder.exists():
        options = ["--target", str(folder), "--requirement", str(HERE / name / "requirements.txt")]
        options += ["--constraint", str(ROOT / "constraints.txt")]
        call([str(lambda_python()), "-m", "pip", "install", "-q", "--only-binary=:all:", *options])
    return folder


def naive(lake: Path) -> Contestant:
    """Return the naive contestant; its models are fitted on the lake."""
    packages, models = libraries("naive"), BUILD / "models"
    if not (models / "clv.joblib").exists():
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as rows, connect() as connection:
            attach(connection, lake)
            orders = "select customer_id, ordered_at, order_value_cents / 100.0 as order_value from orders"
            for name, query in (("orders", orders), ("events", "select customer_id, occurred_at, kind from events")):
                connection.execute(f"copy ({query}) to '{rows}/{name}.csv' (header)")
            train = [str(lambda_python()), str(HERE / "naive" / "train.py"), rows, str(models)]
            call(train, PYTHONPATH=str(packages))
    return Contestant(HERE / "naive", [packages], {"NAIVE_MODELS": str(models)}, event("naive"))


def call(command: list[str], **environment: str) -> None:
    """Run a command."""
    subprocess.run(command, env={**os.environ, **environment}, check=True)  # noqa: S603 - our own command


def contestants(lake: Path, package: Path) -> dict[str, Contestant]:
    """Return all contestants by name."""
    build_core(package)
    layers = [layer_folder(layer, str(architecture())) / "python" for layer in WHEELS]
    variables = template()["Globals"]["Function"]["Environment"]["Variables"] | {"REGULARS_BUNDLE": str(BUNDLE)}
    ours = {
        name: Contestant(ROOT / "functions" / name, [*layers, package / "python"], variables, event(name))
        for name in OURS
    }
    empty = Contestant(HERE / "empty", [libraries("empty")], {}, event("empty"))
    return {"empty": empty, **ours, "naive": naive(lake)}


def first_answer(contestant: Contestant, log: Path) -> dict[str, float]:
    """Start a process and send one event; return seconds until the answer, CPU seconds, peak memory."""
    with running(contestant.folder, contestant.path, contestant.environment, log) as emulator:
        begun = time.perf_counter()
        answer = emulator.invoke(contestant.event)
        seconds = time.perf_counter() - begun
        cost = emulator.cost()
    if answer.get("statusCode") != 200:  # noqa: PLR2004 - answered
        sys.exit(f"{contestant.folder.name}: {answer}; see {log}")
    return {"seconds": seconds, "cpu_seconds": cost.cpu_seconds, "peak_mib": cost.peak_bytes / 2**20}


def summary(runs: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return median and minimum of each measure, and the medians of the ratios within a round."""
    table: dict[str, dict[str, float]] = {}
    for name, mine in runs.items():
        row: dict[str, float] = {}
        for measure in ("seconds", "cpu_seconds", "peak_mib"):
            values = [run[measure] for run in mine]
            row |= {f"{measure}_median": statistics.median(values), f"{measure}_least": min(values)}
            for other in ("empty", "naive"):
                ratios = [run[measure] / reference[measure] for run, reference in zip(mine, runs[other], strict=True)]
                row[f"{measure}_by_{other}"] = statistics.median(ratios)
        table[name] = {key: round(value, 3) for key, value in row.items()}
    return table


def imports(contestant: Contestant) -> dict[str, float]:
    """Return the milliseconds of imports by package (-X importtime, slower than a normal start)."""
    path = os.pathsep.join(map(str, [contestant.folder, *contestant.path, RUNTIME]))
    environment = {
        **os.environ,
        **contestant.environment,
        "PYTHONPATH": path,
        "LAMBDA_TASK_ROOT": str(contestant.folder),
    }
    command = [str(lambda_python()), "-X", "importtime", "-c", "import awslambdaric.bootstrap, app"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    spent: dict[str, float] = defaultdict(float)
    for own, module in re.findall(r"import time: +(\d+) \| +\d+ \| +(\S+)", done.stderr):
        top = module.partition(".")[0].removeprefix("_")
        spent["the standard library" if top.strip("_") in sys.stdlib_module_names else top] += int(own) / 1000
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def main() -> None:
    """Measure, print and write."""
    cause = missing() or (None if (BUNDLE / "manifest.json").exists() else f'no bundle at {BUNDLE}; run "make demo"')
    if cause:
        sys.exit(f"bench-cold: {cause}")
    lake = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo" / "lake")
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        by_name = contestants(lake, Path(folder, "core"))
        for _ in range(ROUNDS):
            for name, contestant in by_name.items():
                runs[name].append(first_answer(contestant, Path(folder, "log")))
        spent = min((imports(by_name["churn"]) for _ in range(3)), key=lambda by_package: sum(by_package.values()))
    table = summary(runs)
    results = {"rounds": ROUNDS, "machine": f"{os.cpu_count()} cores, {platform.machine()}", "first_answer": table}
    results["import_milliseconds_churn"] = {name: round(value, 1) for name, value in list(spent.items())[:PACKAGES]}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    head = ("median", "least", "CPU s", "least", "peak MiB", "/empty", "CPU/empty", "/naive", "CPU/naive", "MiB/naive")
    keys = ("seconds_median", "seconds_least", "cpu_seconds_median", "cpu_seconds_least", "peak_mib_median")
    keys += (
        "seconds_by_empty",
        "cpu_seconds_by_empty",
        "seconds_by_naive",
        "cpu_seconds_by_naive",
        "peak_mib_by_naive",
    )
    print(f"{'first answer':<13}" + "".join(f"{name:>10}" for name in head))
    for name, row in table.items():
        print(f"{name:<13}" + "".join(f"{row[key]:>10.2f}" for key in keys))
    print(f"\nwhat churn imports, ms (under -X importtime, {sum(spent.values()):.0f} in all):")
    for name, value in list(spent.items())[:PACKAGES]:
        print(f"{value:>8.1f}  {name}")


if __name__ == "__main__":
    main()
