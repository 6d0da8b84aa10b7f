"""The section "Known exports" of docs/data-contract.md: a row for each map of ingest/exports.

`python -m tools.docs.known_exports` writes it.
"""

from collections.abc import Iterator
from pathlib import Path

from regulars.ingest.exports.recognise import Export, known

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "data-contract.md"
MAPS = "../layers/core/python/regulars/ingest/exports"
FIXTURES = ROOT / "tests" / "regulars" / "ingest" / "exports"
HEADING = "## Known exports\n"
INTRODUCTION = """
Written by `python -m tools.docs.known_exports` from the maps in [ingest/exports]({maps}).
To change it, change the table `[export]` of a map.

`regulars ingest FILE...` without a map knows these exports by their headers, not by the file's name. It prints the map
that it used. Save that map and change it where your shop differs. Each map gives the reason of its rules, and names
where its format is documented.

| format | recognised by | tested with | refunds | tax | shipping | tips | left out |
|---|---|---|---|---|---|---|---|
"""
DRAFT = """
### Any other export

`regulars map FILE... --out my.toml` drafts a map. It looks at the first rows of the first file, and guesses customer,
time, amount, order number, return flag, currency and attributes. Each guess has its evidence beside it as a comment.
It lists what it is unsure of, and shows ten rows as they would be read. Check the map, then give it to
`regulars ingest --map`. An existing file is replaced only with `--force`. For a known export the command writes that
export's own map.
"""


def section() -> str:
    """Return the section as Markdown."""
    rows = "\n".join(f"| {' | '.join(_cells(export))} |" for export in known())
    return f"{HEADING}{INTRODUCTION.format(maps=MAPS)}{rows}\n{DRAFT}"


def _cells(export: Export) -> Iterator[str]:
    about = export.about
    [fixture] = (path for path in FIXTURES.glob(f"{export.key}.*") if path.suffix != ".json")
    yield f"[{about.name}]({MAPS}/{export.key}.toml)"
    yield ", ".join(f"`{header}`" for header in about.headers)
    yield f"[{fixture.name}](../{fixture.relative_to(ROOT).as_posix()})"
    yield from (about.refunds, about.tax, about.shipping, about.tips, about.left_out)


def page(text: str) -> str:
    """Return the page with its last section, from HEADING on, replaced."""
    before, _, _ = text.partition(HEADING)
    return f"{before.rstrip()}\n\n{section()}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
