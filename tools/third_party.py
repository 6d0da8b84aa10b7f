"""Write THIRD_PARTY_LICENSES from what the layers ship: `python -m tools.third_party`.

Names and versions come from the layers' requirements.txt, texts from the installed packages. A text that several
packages share is written once.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageMetadata, distribution
from pathlib import PurePath

from tools.lock import CLOSURES, ROOT, pins

PAGE = ROOT / "THIRD_PARTY_LICENSES"
HEAD = """The Lambda layers of Regulars contain these packages. Each has its own licence, given below.
Written by: python -m tools.third_party
"""
RULE = "=" * 100
LICENCE_FILE = re.compile(r"(licen[cs]e|notice|copying|thirdparty)", re.IGNORECASE)
DEPTH_IN_PACKAGE = 2
"""A package's own notices lie directly in its folder: `onnxruntime/ThirdPartyNotices.txt`."""


def shipped() -> dict[str, str]:
    """Return name and version of every package in the layers."""
    return dict(sorted(package for path in CLOSURES for package in pins(path).items()))


def stated_licence(metadata: PackageMetadata) -> str:
    """Return the licence that a package's metadata states: an SPDX expression where there is one."""
    classifiers = metadata.get_all("Classifier") or []
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    fields = [metadata[field] for field in ("License-Expression", "License") if field in metadata]
    return next(iter([*fields, *named]), "see the text")


def is_licence(path: PurePath) -> bool:
    """Say whether a file of a package is a licence or a notice."""
    in_metadata = path.parts[0].endswith(".dist-info")
    return bool(LICENCE_FILE.search(path.name)) and (in_metadata or len(path.parts) == DEPTH_IN_PACKAGE)


def texts(package: Distribution) -> Iterator[tuple[str, str]]:
    """Yield path and text of each licence and notice of a package."""
    for path in sorted(package.files or []):
        if is_licence(path):
            lines = path.read_text(encoding="utf-8").splitlines()
            yield str(path), "\n".join(line.rstrip() for line in lines).strip("\n")


def section(package: Distribution, written: dict[str, str]) -> str:
    """Return the part of one package; `written` maps each text to where it was written first."""
    heading = f"{package.name} {package.version}\nLicence: {stated_licence(package.metadata)}"
    parts = [f"{RULE}\n{heading}\n{RULE}"]
    for path, text in texts(package):
        here = f"{package.name}, {path}"
        first = written.setdefault(text, here)
        parts.append(f"--- {path}\n\n{text if first == here else f'The same text as {first}.'}")
    return "\n\n".join(parts)


def document() -> str:
    """Return the whole file."""
    written: dict[str, str] = {}
    return "\n\n".join([HEAD.strip(), *(section(distribution(name), written) for name in shipped())]) + "\n"


def main() -> None:
    """Write the file."""
    PAGE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
