"""Weigh every function with its layers against Lambda's limit: `python -m tools.weigh`.

Unzipped bytes are what Lambda limits; zipped bytes are what is uploaded. It exits with 1 when a function is over our
budget, which leaves 10 % of the limit free.
"""

import hashlib
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.build import LAYERS, WHEELS, build_core, layer_folder, normalise
from tools.template import function_layers

LIMIT = 262_144_000
BUDGET = LIMIT * 9 // 10
MOST_LAYERS = 5
LARGEST = 10


@dataclass(frozen=True)
class Weight:
    """Size of a folder in bytes, unzipped and zipped, and the SHA-256 of the zip."""

    unzipped: int
    zipped: int
    sha256: str


def weigh(path: Path) -> int:
    """Return the bytes of a file, or of all files under a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def archive(folder: Path, target: Path) -> str:
    """Zip a normalised folder, sorted by name; return the zip's SHA-256. The same content gives the same bytes."""
    with zipfile.ZipFile(target, "w") as out:
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = path.stat().st_mode << 16
            entry.create_system = 3  # permissions are those of Unix on every host
            out.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 6)
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def measure(folder: Path) -> Weight:
    """Weigh a folder and its zip."""
    with TemporaryDirectory() as temporary:
        target = Path(temporary) / "layer.zip"
        digest = archive(folder, target)
        return Weight(weigh(folder), target.stat().st_size, digest)


def layers(architecture: str) -> dict[str, Weight]:
    """Weigh each layer as it is deployed."""
    for name in WHEELS:
        if not layer_folder(name, architecture).exists():
            sys.exit(f'no layer {name}; run "python tools/build.py {name} --architecture {architecture}"')
    with TemporaryDirectory() as folder:
        build_core(Path(folder))
        weights = {"core": measure(Path(folder))}
    return weights | {
        **{name: measure(layer_folder(name, architecture)) for name in WHEELS},
        "models": measure(LAYERS / "models"),
    }


def largest(architecture: str) -> list[tuple[int, str, str]]:
    """Return (bytes, package, layer) of the heaviest packages, heaviest first, with the libraries beside them."""
    packages: dict[tuple[str, str], int] = {}
    for layer in WHEELS:
        for path in (layer_folder(layer, architecture) / "python").iterdir():
            name = path.name.removesuffix(".libs").removesuffix(".abi3.so").removeprefix("_")
            packages[name, layer] = packages.get((name, layer), 0) + weigh(path)
    return sorted(((weight, name, layer) for (name, layer), weight in packages.items()), reverse=True)[:LARGEST]


def own_weight(function: str) -> Weight:
    """Weigh a function's folder as it is deployed, without __pycache__."""
    with TemporaryDirectory() as folder:
        for path in (LAYERS.parent / "functions" / function).iterdir():
            if path.is_file():
                Path(folder, path.name).write_bytes(path.read_bytes())
        normalise(Path(folder))
        return measure(Path(folder))


def table(architecture: str) -> tuple[list[str], bool]:
    """Return the table's lines, and whether every function is within the budget."""
    parts = layers(architecture)
    lines = [
        f"{'unzipped':<10}{'own':>8}" + "".join(f"{name:>13}" for name in parts) + f"{'total':>13}{'of limit':>10}"
    ]
    zipped = [f"{'zipped':<10}{'own':>8}" + "".join(f"{name:>13}" for name in parts) + f"{'total':>13}"]
    within_budget = True
    for function, names in sorted(function_layers().items()):
        weight = own_weight(function)
        used = {name: parts[name] for name in names}
        total = weight.unzipped + sum(part.unzipped for part in used.values())
        within_budget = within_budget and total <= BUDGET and len(names) <= MOST_LAYERS
        cells = "".join(f"{used[name].unzipped:>13,}" if name in used else f"{'-':>13}" for name in parts)
        over = "" if total <= BUDGET else "  over budget"
        lines.append(f"{function:<10}{weight.unzipped:>8,}{cells}{total:>13,}{total / LIMIT:>10.1%}{over}")
        cells = "".join(f"{used[name].zipped:>13,}" if name in used else f"{'-':>13}" for name in parts)
        zipped.append(
            f"{function:<10}{weight.zipped:>8,}{cells}{weight.zipped + sum(part.zipped for part in used.values()):>13,}"
        )
    lines += ["", *zipped, "", f"limit {LIMIT:,}, budget {BUDGET:,}, unzipped", "", "SHA-256 of the layers' zips:"]
    lines += [f"{name:<10}{part.sha256}" for name, part in parts.items()]
    lines += ["", f"largest packages, {architecture}:"]
    lines += [f"{weight:>13,}  {name} ({layer})" for weight, name, layer in largest(architecture)]
    if not (LAYERS / "models" / "bundle" / "manifest.json").exists():
        lines += ["", 'the models layer is empty; run "make demo" to train a bundle']
    return lines, within_budget


def main() -> None:
    """Print the table."""
    lines, within_budget = table(os.environ.get("ARCHITECTURE", "x86_64"))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(0 if within_budget else f"over the budget of {BUDGET:,} bytes: trim the runtime layer or the models")


if __name__ == "__main__":
    main()
