"""Zip archives: their members unpacked into the workspace, each a file of its own."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from regulars.errors import SourceError
from regulars.ingest.reading.encoding import new_file
from regulars.ingest.reading.sources import READABLE, SourceFile

MOST_BYTES = 200 * 1 << 30
MOST_RATIO = 200
"""An archive that unpacks to more than so many times its size is no export."""


def unpack(files: Sequence[SourceFile], workspace: Path) -> list[SourceFile]:
    """Replace archives by their members, which are called `archive.zip/member.csv`; SourceError names what is none."""
    unpacked: list[SourceFile] = []
    for file in files:
        unpacked += _members(file, workspace) if file.kind == "archive" else [file]
    return unpacked


def _members(file: SourceFile, workspace: Path) -> list[SourceFile]:
    try:
        with zipfile.ZipFile(file.path) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not any(part.startswith((".", "_")) for part in Path(member.filename).parts)
            ]
            strange = [member.filename for member in members if not member.filename.lower().endswith(READABLE)]
            if strange or not members:
                what = f"files of an unsupported type ({', '.join(strange[:5])})" if strange else "no file"
                raise SourceError(f"{file.name} holds {what}; unpack it and name the files to read")
            size = sum(member.file_size for member in members)
            if size > max(MOST_RATIO * file.path.stat().st_size, 1 << 20) or size > MOST_BYTES:
                raise SourceError(f"{file.name} unpacks to {size:,} bytes, too many for its size; unpack it yourself")
            return [_extract(archive, member, file, workspace) for member in members]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise SourceError(f"{file.name} is not readable as a zip archive: {error}; unpack it yourself") from error


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: SourceFile, workspace: Path) -> SourceFile:
    ending = next(end for end in sorted(READABLE, key=len, reverse=True) if member.filename.lower().endswith(end))
    target = new_file(workspace, ending)
    with archive.open(member) as packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out, 1 << 20)
    return SourceFile(target, f"{file.name}/{member.filename}")
