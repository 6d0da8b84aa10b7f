"""`python -m tools.sam`: validate and build the template, then run it in containers.

It runs each HTTP function with its own event, the whole API under a short load, two functions that exceed their limits,
and batch on fifty files in a simulated S3.
"""

import json
import os
import sys
import venv
from http import HTTPStatus
from pathlib import Path

from tools.sam.batch import batch
from tools.sam.engine import engine
from tools.sam.image import base_image
from tools.sam.load import api, container_limits, limits_hold, load
from tools.sam.shell import Skip, capture, run, say

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-sam"
BIN = ENVIRONMENT / "bin"
ARCHITECTURE = os.environ.get("ARCHITECTURE", "x86_64")
OVERRIDES = ("--parameter-overrides", f"Architecture={ARCHITECTURE}")


def install_sam() -> None:
    """Install the pinned SAM command line in .venv-sam if it is missing, and put it first on PATH."""
    pinned = Path(__file__).with_name("requirements.txt")
    stamp = ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != pinned.read_bytes():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        run(str(BIN / "python"), "-m", "pip", "install", "-qq", "--requirement", str(pinned))
        stamp.write_bytes(pinned.read_bytes())
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    os.environ["SAM_CLI_TELEMETRY"] = "0"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        os.environ.pop(name, None)  # nothing here calls AWS, and sam would pass them to the containers


def invoke(task: str, docker: dict[str, str]) -> bool:
    """Invoke one function with its event and print the answer; True when its status is 200."""
    command = ["sam", "local", "invoke", f"{task.title()}Function", "-e", f"functions/{task}/event.json"]
    done = capture(*command, "--skip-pull-image", *OVERRIDES, env=docker)
    say(f"$ {' '.join(command)}")
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        answer = {}
    succeeded = bool(answer.get("statusCode") == HTTPStatus.OK)
    if not succeeded:
        say(done.stderr)
    say("\n".join(line for line in done.stderr.splitlines() if line.startswith("REPORT")))
    say(f"{task}: {answer.get('statusCode', 'no answer')} {answer.get('body', done.stdout)}")
    return succeeded


def containers() -> None:
    """Run every function; exit with 1 when a check fails."""
    http = sorted(event.parent.name for event in ROOT.glob("functions/*/event.json") if event.parent.name != "batch")
    with engine() as docker, base_image(ARCHITECTURE, docker) as image:
        failed = [task for task in http if not invoke(task, docker)]
        with api(docker, OVERRIDES) as address:
            say(f"memory limits of the API's containers, MiB: {container_limits(docker)}")
            if not load(address, http):
                failed.append("the API under load")
        if not limits_hold(docker):
            failed.append("the limits of memory and time")
        try:
            if not batch(image, docker, OVERRIDES):
                failed.append("batch")
        except Skip as reason:
            say(f"batch: skipped, {reason}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def main() -> None:
    """Run all of it from the root of the project."""
    os.chdir(ROOT)
    install_sam()
    run("sam", "validate", "--lint")
    run("sam", "build", *OVERRIDES)
    try:
        containers()
    except Skip as reason:
        say(f"sam local invoke: skipped, {reason}")


if __name__ == "__main__":
    main()
