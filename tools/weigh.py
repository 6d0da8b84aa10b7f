"""Weigh every function with its layers against Lambda's limit: `python -m tools.weigh`.

Unzipped bytes of files, as Lambda counts them; zipped, as they are uploaded. Exits 1 when a function is over our
budget, which leaves 10 % free.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.build import LAYERS, WHEELS, archive, core, made, settle
from tools.template import function_layers

LIMIT = 262_144_000
BUDGET = LIMIT * 9 // 10
MOST_LAYERS = 5
LARGEST = 10


@dataclass(frozen=True)
class Weight:
    """What a folder weighs, in bytes, and the SHA-256 of its zip."""

    unzipped: int
    zipped: int
    sha256: str


def weigh(path: Path) -> int:
    """Return the bytes of a file, or of all files under a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def measure(folder: Path) -> Weight:
    """Weigh a folder and its zip."""
    with TemporaryDirectory() as temporary:
        target = Path(temporary) / "layer.zip"
        digest = archive(folder, target)
        return Weight(weigh(folder), target.stat().st_size, digest)


def layers(architecture: str) -> dict[str, Weight]:
    """Return what each layer weighs as it is deployed."""
    for name in WHEELS:
        if not made(name, architecture).exists():
            sys.exit(f'no layer {name}; run "python tools/build.py {name} --architecture {architecture}"')
    with TemporaryDirectory() as folder:
        core(Path(folder))
        weights = {"core": measure(Path(folder))}
    return weights | {
        **{name: measure(made(name, architecture)) for name in WHEELS},
        "models": measure(LAYERS / "models"),
    }


def largest(architecture: str) -> list[tuple[int, str, str]]:
    """Return the heaviest packages, each with the libraries beside it and the layer that it is in."""
    packages: dict[tuple[str, str], int] = {}
    for layer in WHEELS:
        for path in (made(layer, architecture) / "python").iterdir():
            name = path.name.removesuffix(".libs").removesuffix(".abi3.so").removeprefix("_")
            packages[name, layer] = packages.get((name, layer), 0) + weigh(path)
    return sorted(((weight, name, layer) for (name, layer), weight in packages.items()), reverse=True)[:LARGEST]


def own(function: str) -> Weight:
    """Weigh a function's folder as it is deployed, without what Python left beside it."""
    with TemporaryDirectory() as folder:
        for path in (LAYERS.parent / "functions" / function).iterdir():
            if path.is_file():
                Path(folder, path.name).write_bytes(path.read_bytes())
        settle(Path(folder))
        return measure(Path(folder))


def table(architecture: str) -> tuple[list[str], bool]:
    """Return the table's lines, and whether every function keeps within the budget."""
    parts = layers(architecture)
    lines = [
        f"{'unzipped':<10}{'own':>8}" + "".join(f"{name:>13}" for name in parts) + f"{'total':>13}{'of limit':>10}"
    ]
    zipped = [f"{'zipped':<10}{'own':>8}" + "".join(f"{name:>13}" for name in parts) + f"{'total':>13}"]
    good = True
    for function, names in sorted(function_layers().items()):
        weight = own(function)
        used = {name: parts[name] for name in names}
        total = weight.unzipped + sum(each.unzipped for each in used.values())
        good = good and total <= BUDGET and len(names) <= MOST_LAYERS
        cells = "".join(f"{used[name].unzipped:>13,}" if name in used else f"{'-':>13}" for name in parts)
        over = "" if total <= BUDGET else "  over budget"
        lines.append(f"{function:<10}{weight.unzipped:>8,}{cells}{total:>13,}{total / LIMIT:>10.1%}{over}")
        cells = "".join(f"{used[name].zipped:>13,}" if name in used else f"{'-':>13}" for name in parts)
        zipped.append(
            f"{function:<10}{weight.zipped:>8,}{cells}{weight.zipped + sum(each.zipped for each in used.values()):>13,}"
        )
    lines += ["", *zipped, "", f"limit {LIMIT:,}, budget {BUDGET:,}, unzipped", "", "SHA-256 of the layers' zips:"]
    lines += [f"{name:<10}{each.sha256}" for name, each in parts.items()]
    lines += ["", f"largest packages, {architecture}:"]
    lines += [f"{weight:>13,}  {name} ({layer})" for weight, name, layer in largest(architecture)]
    if not (LAYERS / "models" / "bundle" / "manifest.json").exists():
        lines += ["", 'the models layer is empty; run "make demo" to train a bundle']
    return lines, good


def main() -> None:
    """Print the table."""
    lines, good = table(os.environ.get("ARCHITECTURE", "x86_64"))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(0 if good else f"over the budget of {BUDGET:,} bytes: trim the runtime layer or the models")


if __name__ == "__main__":
    main()
