"""The base image that `sam local` runs functions in: AWS's own, or a substitute made from this host's CPython.

The substitute is for hosts that reach no image registry. It has this host's C library, not Amazon Linux's, but the same
layout as Lambda's image: the interpreter in /var/lang, the runtime client and the SDK in /var/runtime, layers in /opt,
the function in /var/task. It is labelled and removed after use, so that nobody takes it for AWS's.
"""

import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.build import MACHINES, PYTHON, install, lambda_python
from tools.sam.shell import Skip, capture, run, say

LABEL = "regulars.substitute"
PROGRAMS = ("sh", "cp", "mv", "rm", "chmod")  # `sam local` calls them to add layers
LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libm.so.6")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
BOOTSTRAP = f"#!/bin/sh\nexec /var/lang/bin/python{PYTHON} /var/runtime/bootstrap.py\n"
BOOTSTRAP_PY = f"""\
import os, sys
first = [os.environ["LAMBDA_TASK_ROOT"], "/opt/python/lib/python{PYTHON}/site-packages", "/opt/python"]
sys.path = first + [path for path in sys.path if path not in first]
from awslambdaric.__main__ import main
main(["bootstrap.py", os.environ["_HANDLER"]])
"""
ENVIRONMENT = {
    "LANG": "en_US.UTF-8",
    "PATH": "/var/lang/bin:/usr/bin:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}


@contextmanager
def base_image(architecture: str, engine: dict[str, str]) -> Iterator[str]:
    """Yield the name of the base image: one that the engine has, else pulled, else a substitute for this block only."""
    tag = f"public.ecr.aws/lambda/python:{PYTHON}-{architecture}"
    present = capture("docker", "image", "inspect", tag, env=engine).returncode == 0
    if present or capture("docker", "pull", "--quiet", tag, env=engine).returncode == 0:
        yield tag
        return
    say(f"{tag} cannot be pulled: making a substitute from this host's python{PYTHON}")
    try:
        _make(tag, architecture, engine)
        yield tag
    finally:
        substitutes = capture(
            "docker", "image", "ls", "--quiet", "--filter", f"label={LABEL}", env=engine
        ).stdout.split()
        if substitutes:
            capture("docker", "image", "rm", "--force", *substitutes, env=engine)


def _make(tag: str, architecture: str, engine: dict[str, str]) -> None:
    python = lambda_python()
    if python is None or MACHINES[architecture] != os.uname().machine:
        raise Skip(f"functions need a base image or a python{PYTHON} for {architecture}; this host has neither")
    with tempfile.TemporaryDirectory() as folder:
        root, archive = Path(folder, "root"), Path(folder, "root.tar")
        _fill(root, python, architecture)
        with tarfile.open(archive, "w") as tar:
            tar.add(root, arcname=".")
        changes = [f"ENV {name}={value}" for name, value in ENVIRONMENT.items()]
        changes += ["WORKDIR /var/task", f"LABEL {LABEL}=true"]
        options = [word for change in changes for word in ("--change", change)]
        run("docker", "import", *options, str(archive), tag, env=engine)


def _fill(root: Path, python: str, architecture: str) -> None:
    """Write the image's file system."""
    for name in ("tmp", "opt", "proc", "dev", "sys", "var/task", "var/rapid", "var/lang/bin", "usr/bin"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "lib", "lib64"):
        (root / "usr" / name).mkdir(exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    programs = [path for name in PROGRAMS if (path := shutil.which(name))]
    for program in programs:
        _copy(Path(program).resolve(), root / "usr" / "bin" / Path(program).name)
    modules = _interpreter(root / "var" / "lang", python)
    for library in _libraries([*programs, *modules]):
        _copy(Path(library), root / library.lstrip("/"))
    _copy(Path(CERTIFICATES), root / CERTIFICATES.lstrip("/"))
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="utf-8")
    install(root / "var" / "runtime", architecture, Path(__file__).with_name("image.txt"))
    (root / "var" / "runtime" / "bootstrap.py").write_text(BOOTSTRAP_PY, encoding="utf-8")
    (root / "var" / "runtime" / "bootstrap").write_text(BOOTSTRAP, encoding="utf-8")
    (root / "var" / "runtime" / "bootstrap").chmod(0o755)


def _interpreter(lang: Path, python: str) -> list[str]:
    """Copy the interpreter and its standard library; return the binaries in it."""
    program = "import sys; print(sys.base_prefix); print(sys._base_executable)"
    prefix, binary = capture(python, "-c", program).stdout.splitlines()
    _copy(Path(binary).resolve(), lang / "bin" / f"python{PYTHON}")
    library = Path("lib", f"python{PYTHON}")
    left_out = shutil.ignore_patterns("test", "__pycache__", "site-packages", "dist-packages", "config-*", "*.a")
    shutil.copytree(Path(prefix) / library, lang / library, ignore=left_out)
    for shared in Path(prefix, "lib").glob("libpython*.so*"):
        _copy(shared, lang / "lib" / shared.name)
    return [binary, *map(str, (Path(prefix) / library).glob("lib-dynload/*.so"))]


def _libraries(binaries: Iterable[str]) -> set[str]:
    """Return the shared libraries that the binaries need, and the further ones of Lambda's image."""
    linked = "".join(capture("ldd", binary).stdout for binary in binaries)
    cache = capture(shutil.which("ldconfig") or "/sbin/ldconfig", "-p").stdout
    paths = dict(re.findall(r"(\S+) \([^)]*\) => (/\S+)", cache)[::-1])  # the first entry of a name wins
    return set(re.findall(r"(/\S+) \(0x", linked)) | {paths[name] for name in LIBRARIES if name in paths}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
