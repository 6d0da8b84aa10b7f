"""Build a layer: `python tools/build.py runtime|trees|core|models [--into FOLDER] [--architecture arm64]`.

It needs only Python 3.11 or later and pip: `sam build` runs it through layers/Makefile on any host. Wheels are for
Lambda's Python and processor, not the host's. layers/README.md has the reasons.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

LAYERS = Path(__file__).resolve().parents[1] / "layers"
WHEELS = ("runtime", "trees")
"""Layers of third-party wheels, each after the layers that it needs."""
PYTHON = "3.13"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
GLIBC = range(34, 16, -1)  # Lambda's Python 3.13 runs on Amazon Linux 2023: glibc 2.34
LEFT_OUT = (
    "bin",
    "*-stubs",
    "adbc_driver_duckdb",
    "duckdb/experimental",
    "fastapi/.agents",
    "numpy/_core/include",
    "numpy/_core/*_tests.*.so",
    "numpy/f2py",
    "numpy/testing",
    "onnxruntime/backend",
    "onnxruntime/capi/libonnxruntime.so.*",  # for C++ programs; Python's module has its own copy of the engine
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "pydantic/v1",  # optional for FastAPI; its import at the first route took 20 ms
    "*/tests",
    "*/conftest.py",
    "*/_pyinstaller",
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.a",
    "*.h",
    "py.typed",
    "*/py.typed",
)
METADATA = ("METADATA", "entry_points.txt", "licenses", "LICENSE*", "NOTICE*")
SMOKE_TESTS = {
    "runtime": """
import duckdb, fastapi, mangum, numpy, pydantic
from aws_lambda_powertools import Logger, Metrics
assert duckdb.sql("select 6 * 7").fetchnumpy() and (numpy.eye(64) @ numpy.eye(64)).trace() == 64
fastapi.FastAPI().openapi()
""",
    "trees": """
import onnxruntime
assert "CPUExecutionProvider" in onnxruntime.get_available_providers()
""",
}
"""Programs that must run with this layer and those before it, and nothing else."""


def layer_folder(layer: str, architecture: str) -> Path:
    """Return the folder that holds a finished layer of wheels."""
    return LAYERS / layer / "build" / architecture


def install(into: Path, architecture: str, requirements: Path) -> None:
    """Unpack the pinned wheels. The list is complete; pip would resolve dependencies for this host's Python."""
    machine = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC] + [f"manylinux2014_{machine}"]
    command = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-compile", "--target", str(into)]
    command += ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    command += [word for platform in platforms for word in ("--platform", platform)]
    run([*command, "--disable-pip-version-check", "--root-user-action=ignore", "--requirement", str(requirements)])


def trim(folder: Path) -> None:
    """Remove what no function imports. Libraries are not stripped: that breaks OpenBLAS in `*.libs`."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.parent.name.endswith(".dist-info"):
            unwanted = not any(fnmatch(path.name, kept) for kept in METADATA)
        else:
            unwanted = any(fnmatch(name, pattern) for pattern in LEFT_OUT)
        if unwanted and path.exists():  # else its folder was removed before
            remove(path)


def byte_compile(folder: Path) -> None:
    """Compile for Lambda's Python; warn when this host has none.

    Lambda cannot write bytecode beside the source, so without it every cold start compiles again. Bytecode with an
    unchecked hash is never compared with the source, so it stays valid when unpacking changes the files' times.
    """
    python = lambda_python()
    if python is None:
        say(f"warning: no python{PYTHON} here: no bytecode in this layer, so every cold start compiles it again")
        return
    options = ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/opt"]
    run([python, "-m", "compileall", "-q", "-j", "1", *options, str(folder)], PYTHONHASHSEED="0")


def lambda_python() -> str | None:
    """Return the first python of Lambda's version that runs, on PATH or among pyenv's; None when there is none.

    PATH may hold a version manager's shim, which runs only in folders where that version is arguments.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in [*os.get_exec_path(), *map(str, sorted(pyenv.glob(f"versions/{PYTHON}*/bin"), reverse=True))]:
        python = shutil.which(f"python{PYTHON}", path=folder)
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:  # noqa: S603 - a fixed command
            return python
    return None


def smoke_test(layer: str, architecture: str) -> None:
    """Import what the functions import, with this layer and those before it only, if this host can run them."""
    python = lambda_python()
    if python is None or (sys.platform, os.uname().machine) != ("linux", MACHINES[architecture]):
        say(f"note: the layer was not tested: that needs python{PYTHON} on Linux, {MACHINES[architecture]}")
        return
    path = [str(layer_folder(name, architecture) / "python") for name in WHEELS[: WHEELS.index(layer) + 1]]
    head = f"import sys; sys.path = {path!r} + [p for p in sys.path if 'site-packages' not in p]\n"
    run([python, "-I", "-B", "-W", "ignore", "-c", head + SMOKE_TESTS[layer]])


def normalise(folder: Path) -> None:
    """Give every file the same time and plain permissions, so that two builds are the same bytes."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.suffix == ".so" or ".so." in path.name else 0o644)
        os.utime(path, (315_532_800, 315_532_800))  # 1980-01-01, the earliest time in a zip


def build_wheels(layer: str, into: Path | None, architecture: str) -> None:
    """Build a layer of wheels in its build folder unless it is up to date; copy it to `into` if given."""
    requirements, folder = LAYERS / layer / "requirements.txt", layer_folder(layer, architecture)
    stamp = folder.with_suffix(".stamp")
    identity = hashlib.sha256()
    for part in (requirements.read_bytes(), Path(__file__).read_bytes(), str(lambda_python()).encode()):
        identity.update(part)
    if not (folder.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == identity.hexdigest()):
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        install(folder / "python", architecture, requirements)
        trim(folder / "python")
        byte_compile(folder)
        normalise(folder)
        smoke_test(layer, architecture)
        stamp.write_text(identity.hexdigest(), encoding="utf-8")
    if into:
        shutil.copytree(folder, into, dirs_exist_ok=True)


def build_core(into: Path) -> None:
    """Copy the package `regulars` and compile it."""
    shutil.copytree(LAYERS / "core", into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "py.typed"))
    byte_compile(into)
    normalise(into)


def build_models(into: Path) -> None:
    """Copy the bundle from layers/models; Lambda sees it in /opt/bundle."""
    bundle = LAYERS / "models" / "bundle"
    if not (bundle / "manifest.json").exists():
        sys.exit(f'no bundle at {bundle}; run "make demo" first, which trains one')
    shutil.copytree(bundle, into / "bundle", dirs_exist_ok=True)
    normalise(into)


def run(command: list[str], **environment: str) -> None:
    """Run a command; exit if it fails. Its own message is already on the screen."""
    done = subprocess.run(command, env={**os.environ, **environment}, check=False)  # noqa: S603 - a fixed command
    if done.returncode:
        sys.exit(f"failed: {' '.join(command[:6])} ...")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def remove(path: Path) -> None:
    """Remove a file or a whole folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Build a layer of Regulars.")
    parser.add_argument("layer", choices=(*WHEELS, "core", "models"))
    parser.add_argument(
        "--into", type=Path, help="folder for the layer; runtime and trees are also kept in their build folders"
    )
    parser.add_argument("--architecture", choices=tuple(MACHINES), default=os.environ.get("ARCHITECTURE", "x86_64"))
    arguments = parser.parse_args()
    into = arguments.into.resolve() if arguments.into else None
    if arguments.layer in WHEELS:
        build_wheels(arguments.layer, into, arguments.architecture)
    elif into is None:
        parser.error(f"{arguments.layer} needs --into FOLDER")
    else:
        {"core": build_core, "models": build_models}[arguments.layer](into)


if __name__ == "__main__":
    main()
