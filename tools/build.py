"""Build a layer: `python tools/build.py runtime|trees|core|models [--into FOLDER] [--architecture arm64]`.

Standard library only, and Python 3.11 or later with pip: `sam build` runs it through layers/Makefile on any host.
Wheels are taken for Lambda's Python and processor, whatever the host's are. layers/README.md tells the reasons.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

LAYERS = Path(__file__).resolve().parents[1] / "layers"
WHEELS = ("runtime", "trees")
"""Layers of third-party wheels, each after those that it needs."""
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
    "onnxruntime/capi/libonnxruntime.so.*",  # for C++ programs: Python's module holds the whole engine a second time
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "pydantic/v1",  # FastAPI looks for it at the first route and does without; to import it took 20 ms
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
PROVE = {
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
"""What must run from a layer and those before it alone."""


def made(layer: str, architecture: str) -> Path:
    """Return where a finished layer of wheels is kept."""
    return LAYERS / layer / "build" / architecture


def install(into: Path, architecture: str, requirements: Path) -> None:
    """Unpack the pinned wheels, and only these: the list is whole, and pip would judge by this host's Python."""
    machine = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC] + [f"manylinux2014_{machine}"]
    command = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--no-compile", "--target", str(into)]
    command += ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    command += [word for platform in platforms for word in ("--platform", platform)]
    run([*command, "--disable-pip-version-check", "--root-user-action=ignore", "--requirement", str(requirements)])


def trim(folder: Path) -> None:
    """Remove what no function imports. Libraries stay as they are: to strip what lies in `*.libs` breaks OpenBLAS."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.parent.name.endswith(".dist-info"):
            unwanted = not any(fnmatch(path.name, kept) for kept in METADATA)
        else:
            unwanted = any(fnmatch(name, pattern) for pattern in LEFT_OUT)
        if unwanted and path.exists():  # it may have gone with its folder
            remove(path)


def byte_compile(folder: Path) -> None:
    """Compile for Lambda's Python; warn when this host has none.

    Lambda cannot write byte code beside the source, so without it every cold start compiles again. The byte code is
    never compared with the source (unchecked hash), and so holds whatever times the files get on their way.
    """
    python = lambda_python()
    if python is None:
        say(f"warning: no python{PYTHON} here: no byte code in this layer, every cold start will compile it again")
        return
    options = ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/opt"]
    run([python, "-m", "compileall", "-q", "-j", "1", *options, str(folder)], PYTHONHASHSEED="0")


def lambda_python() -> str | None:
    """Return the first python of Lambda's version that runs, on PATH or among pyenv's.

    On PATH may be a version manager's stand-in, which runs only where that version was chosen.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in [*os.get_exec_path(), *map(str, sorted(pyenv.glob(f"versions/{PYTHON}*/bin"), reverse=True))]:
        python = shutil.which(f"python{PYTHON}", path=folder)
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:  # noqa: S603 - ours
            return python
    return None


def prove(layer: str, architecture: str) -> None:
    """Import what the functions import, from this layer and those before it alone, where this host can."""
    python = lambda_python()
    if python is None or (sys.platform, os.uname().machine) != ("linux", MACHINES[architecture]):
        say(f"note: the layer was not tried: that needs python{PYTHON} on Linux, {MACHINES[architecture]}")
        return
    path = [str(made(each, architecture) / "python") for each in WHEELS[: WHEELS.index(layer) + 1]]
    head = f"import sys; sys.path = {path!r} + [p for p in sys.path if 'site-packages' not in p]\n"
    run([python, "-I", "-B", "-W", "ignore", "-c", head + PROVE[layer]])


def settle(folder: Path) -> None:
    """Give every file one time and plain rights, so that two builds are the same bytes."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.suffix == ".so" or ".so." in path.name else 0o644)
        os.utime(path, (315_532_800, 315_532_800))  # 1980-01-01, where a zip's calendar begins


def archive(folder: Path, target: Path) -> str:
    """Zip a settled folder in the order of its names and return the zip's SHA-256: same content, same bytes."""
    with zipfile.ZipFile(target, "w") as out:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = path.stat().st_mode << 16
            entry.create_system = 3  # whoever zips: rights are read as Unix wrote them
            out.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 6)
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def wheels(layer: str, into: Path | None, architecture: str) -> None:
    """Make a layer of wheels in its build folder, unless that holds it already; copy it into `into` where given."""
    requirements, folder = LAYERS / layer / "requirements.txt", made(layer, architecture)
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
        settle(folder)
        prove(layer, architecture)
        stamp.write_text(identity.hexdigest(), encoding="utf-8")
    if into:
        shutil.copytree(folder, into, dirs_exist_ok=True)


def core(into: Path) -> None:
    """Copy the package `regulars` and compile it."""
    shutil.copytree(LAYERS / "core", into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "py.typed"))
    byte_compile(into)
    settle(into)


def models(into: Path) -> None:
    """Copy the bundle that training left in layers/models; it lands in /opt/bundle."""
    bundle = LAYERS / "models" / "bundle"
    if not (bundle / "manifest.json").exists():
        sys.exit(f'no bundle at {bundle}; run "make demo" first, which trains one')
    shutil.copytree(bundle, into / "bundle", dirs_exist_ok=True)
    settle(into)


def run(command: list[str], **environment: str) -> None:
    """Run a command; a failure ends the build with its own message already on the screen."""
    done = subprocess.run(command, env={**os.environ, **environment}, check=False)  # noqa: S603 - our own words only
    if done.returncode:
        sys.exit(f"failed: {' '.join(command[:6])} ...")


def say(line: str) -> None:
    """Put a line on the screen."""
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
        "--into", type=Path, help="where the layer goes; runtime and trees are always kept in their build folders"
    )
    parser.add_argument("--architecture", choices=tuple(MACHINES), default=os.environ.get("ARCHITECTURE", "x86_64"))
    chosen = parser.parse_args()
    into = chosen.into.resolve() if chosen.into else None
    if chosen.layer in WHEELS:
        wheels(chosen.layer, into, chosen.architecture)
    elif into is None:
        parser.error(f"{chosen.layer} needs --into FOLDER")
    else:
        {"core": core, "models": models}[chosen.layer](into)


if __name__ == "__main__":
    main()
