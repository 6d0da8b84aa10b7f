"""The state machine's steps by name, and the one that scores a bucket."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from regulars.batch.pipeline import CSV, PART, REJECTS, write_csv
from regulars.batch.resources.clock import Clock
from regulars.batch.resources.workspace import database
from regulars.batch.state_machine.buckets import RESULT, name, score_bucket
from regulars.batch.state_machine.run import Run
from regulars.batch.state_machine.steps.bucket_lake import fetch_bucket
from regulars.batch.state_machine.steps.check_staged import check_staged
from regulars.batch.state_machine.steps.collect import collect
from regulars.batch.state_machine.steps.compare_keys import compare_keys
from regulars.batch.state_machine.steps.features import apply, base, learn
from regulars.batch.state_machine.steps.plan import plan
from regulars.batch.state_machine.steps.split_files import split_file
from regulars.batch.state_machine.steps.stage import stage_file
from regulars.batch.storage.store import Store, as_json, outputs
from regulars.models.loader import ModelLoader

Step = Callable[[dict[str, Any], ModelLoader, Clock], dict[str, Any]]


def score_part(event: dict[str, Any], loader: ModelLoader, clock: Clock) -> dict[str, Any]:
    """Score one bucket; one that is finished is left as it is."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    result = Store(run.work.s3, run.work.bucket, run.parts.key(name(number)))
    if result.find(RESULT) is None:
        with database() as (folder, connection):
            bucket = fetch_bucket(connection, run, number, folder, loader.bundle.sql, clock)
            out = folder / "out"
            out.mkdir()
            part = score_bucket(connection, bucket, loader, run.as_of, out, clock)
            names = [PART, REJECTS] if part.scored else [REJECTS]
            if part.scored and run.plan["wanted"]["csv"]:
                write_csv(connection, out)
                names.append(CSV)
            with clock.stage("write"):
                for each in names:
                    result.overwrite(each, out / each)
                made = {f"{name(number)}/{each}": value for each, value in _outputs(out, names).items()}
                result.overwrite(RESULT, as_json({**part.to_dict(), "outputs": made}))
    return {"bucket": number}


def _outputs(out: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    return outputs({each: out / each for each in names})


STEPS: dict[str, Step] = {
    "plan": plan,
    "stage": stage_file,
    "settle": check_staged,
    "keys": compare_keys,
    "split": split_file,
    "score": score_part,
    "base": base,
    "learn": learn,
    "apply": apply,
    "collect": collect,
}
