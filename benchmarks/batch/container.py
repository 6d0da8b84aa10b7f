"""The function in a container, with the layers that Lambda gets: so much memory in all, no swap, one core."""

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
    """Run function.py in a container; Skip where this host has no engine, image or layers.

    SystemExit when it fails, as one does that is killed for taking more memory.
    """
    kind = architecture() or ""
    lacking = [layer for layer in WHEELS if not layer_folder(layer, kind).exists()]
    if lacking:
        raise Skip(f'there is no layer {lacking[0]}; run "make layers"')
    with TemporaryDirectory(prefix="core-") as name, engine() as docker, base_image(kind, docker) as image:
        build_core(Path(name))
        layers = {"core": Path(name), **{layer: layer_folder(layer, kind) for layer in WHEELS}}
        command = _command(image, layers, bundle, environment, megabytes)
        start = time.perf_counter()
        done = capture(*command, *words, env=docker)
        wall = time.perf_counter() - start
    if done.returncode:
        cause = "killed, memory did not suffice" if done.returncode == KILLED else done.stderr
        sys.exit(f"the function's container ended with {done.returncode}: {cause}")
    *_, stages, group = done.stdout.splitlines()
    found = json.loads(group)
    held = {"group MB": found["group_bytes"] / MB, "process MB": found["process_bytes"] / MB}
    return Taken(wall, found["cpu_s"], held["group MB"], json.dumps({**json.loads(stages), **held}))


def _command(
    image: str, layers: Mapping[str, Path], bundle: Path, environment: Mapping[str, str], megabytes: int
) -> list[str]:
    """Return the command up to the program's arguments; the network is this host's, where S3 is."""
    limits = ["--memory", f"{megabytes}m", "--memory-swap", f"{megabytes}m"]
    limits += ["--cpuset-cpus", str(min(os.sched_getaffinity(0)))]
    folders = {Path(__file__).parent: "/bench", bundle.resolve(): "/opt/bundle"}
    folders |= {folder: f"/opt/{layer}" for layer, folder in layers.items()}
    path = ":".join([*(f"/opt/{layer}/python" for layer in layers), "/var/runtime"])
    said = {**environment, "REGULARS_BUNDLE": "/opt/bundle", "PYTHONPATH": path}
    command = ["docker", "run", "--rm", "--network", "host", *limits]
    command += [word for here, there in folders.items() for word in ("--volume", f"{here}:{there}:ro")]
    command += [word for name, value in said.items() for word in ("--env", f"{name}={value}")]
    return [*command, "--entrypoint", f"/var/lang/bin/python{PYTHON}", image, "/bench/inside.py"]
