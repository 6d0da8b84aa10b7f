"""Run the function in a container with Lambda's layers: limited memory, no swap, one core."""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.batch.measure import Taken
from tools.build import PYTHON, WHEELS, build_core, layer_folder
from tools.emulator import architecture
from tools.sam.engine import engine
from tools.sam.image import base_image
from tools.sam.shell import Skip, capture

MB = 1_000_000
KILLED = 137


def contained(words: list[str], bundle: Path, environment: Mapping[str, str], megabytes: int) -> Taken:
    """Run function.py in a container; Skip when this host has no engine, image or layers.

    SystemExit when it fails, for example when it is killed for too much memory.
    """
    kind = architecture() or ""
    missing = [layer for layer in WHEELS if not layer_folder(layer, kind).exists()]
    if missing:
        raise Skip(f'there is no layer {missing[0]}; run "make layers"')
    with TemporaryDirectory(prefix="core-") as name, engine() as docker, base_image(kind, docker) as image:
        build_core(Path(name))
        layers = {"core": Path(name), **{layer: layer_folder(layer, kind) for layer in WHEELS}}
        command = _command(image, layers, bundle, environment, megabytes)
        start = time.perf_counter()
        done = capture(*command, *words, env=docker)
        wall = time.perf_counter() - start
    if done.returncode:
        cause = "killed, not enough memory" if done.returncode == KILLED else done.stderr
        sys.exit(f"the function's container ended with {done.returncode}: {cause}")
    *_, stages, group = done.stdout.splitlines()
    usage = json.loads(group)
    memory = {"group MB": usage["group_bytes"] / MB, "process MB": usage["process_bytes"] / MB}
    return Taken(wall, usage["cpu_s"], memory["group MB"], json.dumps({**json.loads(stages), **memory}))


def _command(
    image: str, layers: Mapping[str, Path], bundle: Path, environment: Mapping[str, str], megabytes: int
) -> list[str]:
    """Return the command without the program's arguments; it uses the host's network, where S3 is."""
    limits = ["--memory", f"{megabytes}m", "--memory-swap", f"{megabytes}m"]
    limits += ["--cpuset-cpus", str(min(os.sched_getaffinity(0)))]
    folders = {Path(__file__).parent: "/bench", bundle.resolve(): "/opt/bundle"}
    folders |= {folder: f"/opt/{layer}" for layer, folder in layers.items()}
    path = ":".join([*(f"/opt/{layer}/python" for layer in layers), "/var/runtime"])
    variables = {**environment, "REGULARS_BUNDLE": "/opt/bundle", "PYTHONPATH": path}
    command = ["docker", "run", "--rm", "--network", "host", *limits]
    command += [word for here, there in folders.items() for word in ("--volume", f"{here}:{there}:ro")]
    command += [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    return [*command, "--entrypoint", f"/var/lang/bin/python{PYTHON}", image, "/bench/inside.py"]
