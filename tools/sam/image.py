"""The base image that `sam local` runs functions in: AWS's own, or a stand-in made of this host's CPython.

The stand-in is a look-alike (this host's C library, not Amazon Linux) for hosts that reach no image registry. It has
what Lambda's image has, laid out the same: the interpreter in /var/lang, the runtime client and the SDK in
/var/runtime, layers in /opt, the function in /var/task. It is labelled, and removed after use: nobody shall take it
for AWS's.
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
from tools.sam.shell import Skip, ask, run, say

LABEL = "regulars.stand-in"
PROGRAMS = ("sh", "cp", "mv", "rm", "chmod")  # what `sam local` calls while it puts layers on top
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
    """Have the base image in the engine: as it lies there, pulled, or made; a made one is gone after the block.

    Yield its name.
    """
    tag = f"public.ecr.aws/lambda/python:{PYTHON}-{architecture}"
    have = ask("docker", "image", "inspect", tag, env=engine).returncode == 0
    if have or ask("docker", "pull", "--quiet", tag, env=engine).returncode == 0:
        yield tag
        return
    say(f"{tag} cannot be pulled: making a stand-in from this host's python{PYTHON}")
    try:
        _make(tag, architecture, engine)
        yield tag
    finally:
        made = ask("docker", "image", "ls", "--quiet", "--filter", f"label={LABEL}", env=engine).stdout.split()
        if made:
            ask("docker", "image", "rm", "--force", *made, env=engine)


def _make(tag: str, architecture: str, engine: dict[str, str]) -> None:
    python = lambda_python()
    if python is None or MACHINES[architecture] != os.uname().machine:
        raise Skip(f"neither a base image nor a python{PYTHON} on PATH for {architecture}: nothing to run functions in")
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
    """Lay out the image's file system."""
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
    prefix, binary = ask(python, "-c", "import sys; print(sys.base_prefix); print(sys._base_executable)").stdout.split(
        "\n"
    )[:2]
    _copy(Path(binary).resolve(), lang / "bin" / f"python{PYTHON}")
    library = Path("lib", f"python{PYTHON}")
    left_out = shutil.ignore_patterns("test", "__pycache__", "site-packages", "dist-packages", "config-*", "*.a")
    shutil.copytree(Path(prefix) / library, lang / library, ignore=left_out)
    for shared in Path(prefix, "lib").glob("libpython*.so*"):
        _copy(shared, lang / "lib" / shared.name)
    return [binary, *map(str, (Path(prefix) / library).glob("lib-dynload/*.so"))]


def _libraries(binaries: Iterable[str]) -> set[str]:
    """Return the shared libraries that the binaries need, and those that Lambda's own image has beside them."""
    said = "".join(ask("ldd", binary).stdout for binary in binaries)
    known = dict(
        re.findall(r"(\S+) \([^)]*\) => (/\S+)", ask(shutil.which("ldconfig") or "/sbin/ldconfig", "-p").stdout)[::-1]
    )
    also = {known[name] for name in LIBRARIES if name in known}
    return set(re.findall(r"(/\S+) \(0x", said)) | also


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
