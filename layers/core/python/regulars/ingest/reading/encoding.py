"""Which characters a file's bytes are: a mark at its start, UTF-8 where it fits, else the likeliest code page.

DuckDB reads UTF-8. Any other encoding is rewritten as UTF-8 once, into the workspace. A byte that the encoding does not
know becomes MISFIT, so that its row can be rejected.
"""

import codecs
import gzip
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from regulars.errors import SourceError
from regulars.ingest.mapping import codec

MISFIT = "\ufdd0"
"""A character that no text holds (a Unicode noncharacter): it stands for a byte that fits nowhere."""

CHUNK = 1 << 22
BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins like it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CODE_PAGES = ("cp1252", "cp1250", "mac_roman")
"""Guessed from, the most frequent first: later ones have to fit clearly better."""

CLEARLY_BETTER = 0.2
QUOTES = frozenset("‘’“”„‚–—…\u00a0")  # noqa: RUF001 - these very characters
"""What may stand beside letters in a text of a shop."""

SYMBOLS = frozenset("•€£¥§°©®™«»¿¡ºª·½¼¾²³×")  # noqa: RUF001 - these very characters
"""What may stand in it away from letters."""


@dataclass(frozen=True)
class Text:
    """A text file as UTF-8: where it is, which encoding it had, whether that was guessed, and its number of quotes."""

    path: Path
    encoding: str
    guessed: bool
    quotes: int
    mixed_ends: bool = False
    """Some lines end with a lone carriage return, others not: DuckDB would read two lines as one."""

    def open(self) -> BinaryIO:
        """Open the bytes, unpacked."""
        return binary(self.path)


def read_text(path: Path, name: str, encoding: str | None, workspace: Path) -> Text:
    """Find a file's encoding (`encoding` if given) and return the file as UTF-8; SourceError for binary data."""
    wanted = codec(encoding) if encoding else None
    start, misfit, high, nul, quotes, mixed = _scan(path)
    mark = next((kind for bom, kind in BOMS.items() if start.startswith(bom)), None)
    found = mark or wanted or _wide(start, nul=nul) or ("utf-8" if not misfit else None)
    if nul and found not in ("utf-16", "utf-32", "utf-16-le", "utf-16-be"):
        raise SourceError(f"{name} is no text: it holds binary data; export it again as CSV or Parquet")
    guessed = found is None
    found = found or _likeliest(high)
    if found == "utf-8" and not misfit:
        return Text(path, found, guessed=False, quotes=quotes, mixed_ends=mixed)
    target = new_file(workspace, ".utf8")
    quotes = _rewrite(path, found, target)
    return Text(target, found, guessed, quotes, mixed)


def new_file(workspace: Path, suffix: str) -> Path:
    """Make an empty file of a name of its own in `workspace`, for what a source is rewritten as."""
    workspace.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix, "source-", workspace)
    os.close(handle)
    return Path(name)


def binary(path: Path) -> BinaryIO:
    """Open a file's bytes; a .gz is unpacked on the way."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value] # a reader of bytes in all but name


def _scan(path: Path) -> tuple[bytes, bool, bytes, bool, int, bool]:
    """Read the bytes once: the first, whether UTF-8 fails, a sample beyond ASCII, NULs, quotes, mixed ends."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, high, misfit, nul, quotes = b"", bytearray(), False, False, 0
    alone, ends = 0, 0
    with binary(path) as stream:
        while chunk := stream.read(CHUNK):
            start = start or chunk[:4096]
            nul = nul or b"\0" in chunk
            quotes += chunk.count(b'"')
            both = chunk.count(b"\r\n")
            alone += chunk.count(b"\r") - both
            ends += chunk.count(b"\n")
            if not misfit:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    misfit = True
            if len(high) < CHUNK and not chunk.isascii():
                for line in chunk.splitlines():
                    if not line.isascii():
                        high += line + b"\n"
    return start, misfit or bool(decoder.getstate()[0]), bytes(high[:CHUNK]), nul, quotes, bool(alone and ends)


def _wide(start: bytes, *, nul: bool) -> str | None:
    """Recognise UTF-16 without a mark: every second byte of its ASCII is NUL."""
    if not nul or len(start) < 4:  # noqa: PLR2004 - two characters
        return None
    for place, kind in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[place::2].count(0) > 0.4 * len(start[place::2]) and not start[1 - place :: 2].count(0):
            return kind
    return None


def _likeliest(sample: bytes) -> str:
    """Return the code page under which the characters beyond ASCII look most like text."""
    fits = {page: _fit(sample.decode(page, errors="replace")) for page in CODE_PAGES}
    best = max(CODE_PAGES, key=lambda page: fits[page])
    return best if fits[best] > fits[CODE_PAGES[0]] + CLEARLY_BETTER else CODE_PAGES[0]


def _fit(text: str) -> float:
    """Return the share of characters beyond ASCII that are a letter beside a letter, or plain punctuation."""
    beyond = [place for place, character in enumerate(text) if ord(character) > 127]  # noqa: PLR2004 - ASCII's last
    good = 0
    for place in beyond:
        around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
        letter = text[place].isalpha() and any(near.isalpha() for near in around)
        small_inside = not (text[place].isupper() and text[max(place - 1, 0)].islower())
        apart = not any(near.isalpha() for near in around)
        good += (letter and small_inside) or text[place] in QUOTES or (apart and text[place] in SYMBOLS)
    return good / len(beyond) if beyond else 1.0


def _misfit(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MISFIT, error.end


codecs.register_error("regulars.misfit", _misfit)


def _rewrite(path: Path, encoding: str, target: Path) -> int:
    """Write a file as UTF-8; return the number of quotes."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="regulars.misfit")
    quotes = 0
    with binary(path) as stream, target.open("w", encoding="utf-8", newline="") as out:
        while chunk := stream.read(CHUNK):
            quotes += _write(out, decoder.decode(chunk))
        quotes += _write(out, decoder.decode(b"", final=True))
    return quotes


def _write(out: TextIO, text: str) -> int:
    out.write(text.removeprefix("\ufeff"))
    return text.count('"')
