"""Weigh every function with its layers against Lambda's limit: `python -m layers.sizes`.

Unzipped bytes of files, as Lambda counts them. Exits 1 when a function is over our budget, which leaves 10 % free.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from layers.build import BUILD, LAYERS, core

LIMIT = 262_144_000
BUDGET = LIMIT * 9 // 10
LARGEST = 12


def weigh(path: Path) -> int:
    """Return the bytes of a file, or of all files under a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def layers(architecture: str) -> dict[str, int]:
    """Return the bytes of each layer as it is deployed."""
    runtime = BUILD / architecture
    if not runtime.exists():
        sys.exit(f'no runtime layer at {runtime}; run "python layers/build.py runtime --architecture {architecture}"')
    with TemporaryDirectory() as folder:
        core(Path(folder))
        weight = weigh(Path(folder))
    return {"core": weight, "runtime": weigh(runtime), "models": weigh(LAYERS / "models" / "bundle")}


def largest(folder: Path) -> list[tuple[int, str]]:
    """Return the heaviest packages of the runtime layer, each with the libraries beside it."""
    packages: dict[str, int] = {}
    for path in folder.iterdir():
        name = path.name.removesuffix(".libs").removesuffix(".abi3.so").removeprefix("_")
        packages[name] = packages.get(name, 0) + weigh(path)
    return sorted(((weight, name) for name, weight in packages.items()), reverse=True)[:LARGEST]


def table(architecture: str) -> tuple[list[str], bool]:
    """Return the table's lines, and whether every function keeps within the budget."""
    parts = layers(architecture)
    lines = [
        f"{'function':<10}{'own':>8}" + "".join(f"{name:>13}" for name in parts) + f"{'total':>13}{'of limit':>10}"
    ]
    good = True
    for folder in sorted(path.parent for path in (LAYERS.parent / "functions").glob("*/app.py")):
        own = sum(weigh(path) for path in folder.iterdir() if path.is_file())
        total = own + sum(parts.values())
        good = good and total <= BUDGET
        row = f"{folder.name:<10}{own:>8,}" + "".join(f"{weight:>13,}" for weight in parts.values())
        lines.append(f"{row}{total:>13,}{total / LIMIT:>10.1%}" + ("" if total <= BUDGET else "  over budget"))
    lines += ["", f"limit {LIMIT:,}, budget {BUDGET:,}", "", f"largest packages of the runtime layer, {architecture}:"]
    lines += [f"{weight:>13,}  {name}" for weight, name in largest(BUILD / architecture / "python")]
    if not parts["models"]:
        lines += ["", 'the models layer is empty; run "make demo" to train a bundle']
    return lines, good


def main() -> None:
    """Print the table."""
    lines, good = table(os.environ.get("ARCHITECTURE", "x86_64"))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(0 if good else f"over the budget of {BUDGET:,} bytes: trim the runtime layer or the models")


if __name__ == "__main__":
    main()
