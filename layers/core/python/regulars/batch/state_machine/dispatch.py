"""The state machine's steps by name, and the step that scores a bucket."""

from collections.abc import Callable
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
    """Score one bucket, unless it is finished."""
    run, number = Run.open(event["run"]), int(event["item"]["bucket"])
    result = Store(run.work.s3, run.work.bucket, run.parts.key(name(number)))
    if result.find(RESULT) is None:
        with database() as (folder, connection):
            bucket = fetch_bucket(connection, run, number, folder, loader.bundle.sql, clock)
            out = folder / "out"
            out.mkdir()
            bucket_result = score_bucket(connection, bucket, loader, run.as_of, out, clock)
            names = [PART, REJECTS] if bucket_result.scored else [REJECTS]
            if bucket_result.scored and run.plan["wanted"]["csv"]:
                write_csv(connection, out)
                names.append(CSV)
            with clock.stage("write"):
                for file in names:
                    result.overwrite(file, out / file)
                written = outputs({f"{name(number)}/{file}": out / file for file in names})
                result.overwrite(RESULT, as_json({**bucket_result.to_dict(), "outputs": written}))
    return {"bucket": number}


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
