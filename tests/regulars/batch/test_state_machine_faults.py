"""kill -9 in each step of the state machine: after the next try, the result equals that of an undisturbed run."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.batch.handler import handle
from tests.regulars.batch.conftest import Aws
from tests.regulars.batch.faults import Table, kill
from tests.regulars.batch.shop import AS_OF, orders_sql

PREFIX = f"incoming/as_of={AS_OF}/export/"
PER_ITEM = {"stage": "files", "keys": "keys", "split": "files", **dict.fromkeys(("score", "base", "apply"), "buckets")}
SPLIT = ("plan", "stage", "settle", "keys", "split")
STEPS = {"scores": (*SPLIT, "score", "collect"), "features": (*SPLIT, "base", "learn", "apply", "collect")}
POINTS = {
    "plan": ("put:files.json",),
    "stage": ("after:stage", "put:staged/orders/000000.parquet"),
    "settle": ("put:keys.json",),
    "keys": ("after:compare", "put:repeats/"),
    "split": ("after:split", "put:bucket=00/"),
    "score": ("after:score", "put:part.parquet"),
    "collect": ("put:_manifest.json",),
    "base": ("put:base/bucket=00/lifecycle.parquet",),
    "learn": ("put:cut_points.json",),
    "apply": ("put:bucket=00/features.parquet",),
}
UNDISTURBED: dict[str, dict[str, Any]] = {}


@dataclass
class StateMachineRun:
    """Calls the steps in the state machine's order, in this process.

    The step in `kills` is first called in another process, which is killed at the point. Then the step is called again,
    or the whole run if `begins_anew`.
    """

    aws: Aws
    folder: Path
    kills: tuple[str, str] | None = None
    begins_anew: bool = False
    make: str = "scores"

    @property
    def run_input(self) -> dict[str, Any]:
        """The run's input."""
        return {"bucket": self.aws.incoming, "prefix": PREFIX, "buckets": 2, "make": self.make}

    @property
    def written(self) -> dict[str, bytes]:
        """The objects in the results folder, by key."""
        return self.aws.written(f"{self.make}/")

    def __call__(self) -> dict[str, Any]:
        """Call every step for each of its items, and return the manifest."""
        step_input: dict[str, Any] = {}
        for step in STEPS[self.make]:
            events = list(self._events(step, step_input))
            if self.kills and self.kills[0] == step:
                # The first file has no repeats, the last one has some.
                kill(self.kills[1], events[-1 if step == "split" else 0], self.aws.environment, self.folder / "spill")
                assert any(key.endswith("/_manifest.json") for key in self.written) == (step == "collect")
                if self.begins_anew:
                    return StateMachineRun(self.aws, self.folder)()
            for event in events:
                answer = handle(event, None)
            step_input = answer if step in ("plan", "settle") else step_input
        [manifest] = self.aws.manifests(f"{self.make}/")
        return manifest

    def _events(self, step: str, step_input: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if step == "plan":
            yield {"step": step, "input": self.run_input}
        elif step in PER_ITEM:
            items = self.aws.s3.get_object(Bucket=step_input["bucket"], Key=step_input[PER_ITEM[step]])["Body"].read()
            yield from ({"step": step, "run": step_input["run"], "item": item} for item in json.loads(items))
        else:
            yield {"step": step, "run": step_input["run"]}


TABLE: Table[StateMachineRun] = Table("state machine faults")


def killed(step: str, point: str) -> Callable[[StateMachineRun], None]:
    """Return the fault: a step is killed at a point."""

    def run(state_machine: StateMachineRun) -> None:
        state_machine.kills = (step, point)
        state_machine.make = "scores" if step in STEPS["scores"] else "features"

    return run


for step, points in POINTS.items():
    for point in points:
        moment = point.replace("put:", "after writing ").replace(":", " ")
        TABLE.fault(f"kill -9 in the step {step} {moment}, then the next try")(killed(step, point))


@pytest.fixture
def state_machine(aws: Aws, tmp_path: Path) -> StateMachineRun:
    """An export of two files of orders, the second of which repeats some rows of the first, and one of customers."""
    people = "select 'C' || i % 42 as customer_id, '2023-01-01' as signed_up_at from range(45) t(i)"
    shop = orders_sql()
    for name, query in {
        "orders/one.csv": f"{shop} limit 120",
        "orders/two.csv": f"({shop} limit 20) union all ({shop} limit 500 offset 120)",
        "customers.csv": people,
    }.items():
        duckdb.execute(f"copy ({query}) to '{tmp_path / 'put'}' (format csv, header)")
        aws.put(f"export/{name}", tmp_path / "put")
    return StateMachineRun(aws, tmp_path)


def comparable(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest without its input's location, and with outputs by their paths within the run."""
    outputs = {name.partition("/")[2]: entry for name, entry in manifest["outputs"].items()}
    return {key: value for key, value in manifest.items() if key != "input"} | {"outputs": outputs}


def undisturbed(state_machine: StateMachineRun) -> dict[str, Any]:
    """The manifest of a run without a fault."""
    if state_machine.make not in UNDISTURBED:
        UNDISTURBED[state_machine.make] = comparable(
            StateMachineRun(state_machine.aws, state_machine.folder, make=state_machine.make)()
        )
        for key in state_machine.aws.written(""):
            state_machine.aws.s3.delete_object(Bucket=state_machine.aws.scores, Key=key)
    return UNDISTURBED[state_machine.make]


def left(state_machine: StateMachineRun, manifest: dict[str, Any]) -> str:
    """Check that the result has only the manifest, its outputs, and the markers of finished buckets."""
    files = state_machine.written
    [place] = [key.removesuffix("_manifest.json") for key in files if key.endswith("/_manifest.json")]
    names = {key.removeprefix(place) for key in files if not key.endswith("_result.json")}
    assert names == {"_manifest.json", *manifest["outputs"]}
    return "one complete result"


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE.faults)
def test_fault(name: str, state_machine: StateMachineRun) -> None:
    """After the kill the result has the bytes of an undisturbed run, and another run does nothing."""
    TABLE.faults[name](state_machine)
    expected = undisturbed(state_machine)
    manifest = state_machine()
    assert comparable(manifest) == expected
    assert expected["rejected"]["order_id is a duplicate"] == 20
    count = {"scores": "customers_scored", "features": "customers_with_features"}[state_machine.make]
    seen = f"{manifest['rows_read']} rows read, {manifest[count]} {count.replace('_', ' ')}"
    TABLE.check(name, seen, left(state_machine, manifest))
    assert handle({"step": "plan", "input": state_machine.run_input}, None)["done"] is True
    assert list(state_machine.folder.glob("spill/batch-*")) == []


@pytest.mark.slow
def test_a_run_begun_anew_goes_on_from_what_a_killed_one_finished(state_machine: StateMachineRun) -> None:
    """As in a second execution, all steps run again."""
    expected = undisturbed(state_machine)
    again = StateMachineRun(state_machine.aws, state_machine.folder, ("split", "put:bucket=01/"), begins_anew=True)
    assert comparable(again()) == expected


def test_the_document_lists_exactly_the_tested_faults() -> None:
    assert TABLE.documented() == list(TABLE.faults)
