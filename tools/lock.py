"""Write constraints.txt and the layers' requirements.txt from what is installed: `python -m tools.lock`.

constraints.txt: the exact versions of the development environment, as they were tested together.
requirements.txt: the versions that Lambda needs, for the dependency group `lambda` and what it needs in turn. Markers
are evaluated for Lambda's Python, not for this one, so the list does not depend on the host. What only tree models need
is a layer of its own: a function without them leaves it out.
"""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"
RUNTIME = ROOT / "layers" / "runtime" / "requirements.txt"
TREES = ROOT / "layers" / "trees" / "requirements.txt"
TARGET = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "os_name": "posix"}
LAMBDA_HAS = {"boto3", "botocore"}
CLOSURES = (RUNTIME, TREES)
ENGINE = "onnxruntime"
TRIMMED = {"flatbuffers", "packaging", "protobuf"}
"""Only tools of ONNX Runtime that are left out of the layer import these."""
NOT_PINNED = {"pip", "setuptools", "wheel", "regulars"}


def canonical(name: str) -> str:
    """Spell a package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Return name and version of every installed package but the installers and this project."""
    versions = {canonical(package.name): package.version for package in distributions()}
    return {name: versions[name] for name in sorted(versions) if name not in NOT_PINNED}


def closure(requirements: Iterable[str]) -> list[str]:
    """Return the names of the packages that `requirements` need on Lambda, without those that Lambda has."""
    todo = [Requirement(line) for line in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        need = todo.pop()
        key = (canonical(need.name), frozenset(need.extras))
        if key in seen or key[0] in LAMBDA_HAS:
            continue
        seen.add(key)
        todo += [dependency for dependency in _needs(need) if _applies(dependency, need.extras)]
    return sorted({name for name, _ in seen})


def _needs(need: Requirement) -> list[Requirement]:
    return [Requirement(line) for line in distribution(need.name).requires or []]


def _applies(need: Requirement, extras: set[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({**TARGET, "extra": extra}) for extra in extras | {""})


def lambda_requirements() -> list[str]:
    """Return the dependency group `lambda` of pyproject.toml."""
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["lambda"])


def closures() -> dict[Path, list[str]]:
    """Return the names in each layer's requirements.txt."""
    needed = lambda_requirements()
    base = closure(line for line in needed if canonical(Requirement(line).name) != ENGINE)
    engine = sorted(set(closure(needed)) - set(base) - TRIMMED)
    return {RUNTIME: base, TREES: engine}


def pins(path: Path) -> dict[str, str]:
    """Read the `name==version` lines of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) for line in lines if line and not line.startswith("#"))


def _write(path: Path, head: str, versions: dict[str, str]) -> None:
    lines = [
        f"# {head} Written by: python -m tools.lock",
        *(f"{name}=={version}" for name, version in versions.items()),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Write the files."""
    versions = installed()
    _write(PINS, "What was tested together.", versions)
    for path, names in closures().items():
        _write(path, f"What Lambda gets, layer {path.parent.name}.", {name: versions[name] for name in names})


if __name__ == "__main__":
    main()
