"""The feature dictionary: a line for each column, from the comments of the SQL files themselves.

`python -m training.dictionary` writes docs/features.md.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regulars.errors import BundleError
from regulars.sql import HEADER, Relation, SqlFolder

from training.dataset import NOT_FEATURES
from training.segment import FEATURES as SEGMENT_FEATURES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "features.md"
TABLE = "customer_features"
COLUMN = re.compile(
    r"^ +(?P<source>\w+)\.(?P<name>\w+),? -- (?P<unit>[^|\n]+) \| (?P<meaning>[^|\n]+) \| (?P<null>[^|\n]+)$",
    re.MULTILINE,
)
INTRODUCTION = """# The feature dictionary

Written by `python -m training.dictionary` from [sql/features](../sql/features); change the comments there.

{grain}.

Counts and money of the windows are 0 without orders; what was never brought (events, costs, discounts, margins) is
null, and the models take nulls. Windows reach back from `as_of` and include their oldest instant, never `as_of` itself.
Money is in the currency's minor units (cents).
"""


@dataclass(frozen=True)
class Feature:
    """One column of the feature table, as its comment tells it; `source` is the file that makes it."""

    source: str
    name: str
    unit: str
    meaning: str
    null: str

    @property
    def used_by(self) -> str:
        """Name the models that read the column."""
        models = [] if self.name in NOT_FEATURES or self.name == "customer_id" else ["clv", "churn"]
        return ", ".join([*models, "segment"] if self.name in SEGMENT_FEATURES else models) or "-"


def features(sql: SqlFolder) -> list[Feature]:
    """Return every column of the feature table, in order; BundleError when one has no comment of the right form."""
    relation = sql.relations[TABLE]
    found = [Feature(**match.groupdict()) for match in COLUMN.finditer(relation.text)]
    columns = re.findall(r"^ {4}\w+\.(\w+)", relation.text, re.MULTILINE)
    missing = sorted(set(columns) - {feature.name for feature in found})
    if missing:
        raise BundleError(f"{TABLE}.sql: {missing[0]} has no comment '-- unit | meaning | null when'")
    return found


def page(sql: SqlFolder) -> str:
    """Return the dictionary as Markdown: a table for each file of sql/features."""
    grain = sql.relations[TABLE].grain
    return "\n".join([INTRODUCTION.format(grain=grain), *_tables(sql), ""])


def _tables(sql: SqlFolder) -> Iterator[str]:
    described = features(sql)
    for source in dict.fromkeys(feature.source for feature in described):
        relation = sql.relations[source]
        yield f"## [{source}](../sql/features/{source}.sql)\n"
        yield textwrap.fill(f"{relation.grain}. {_about(relation)}", 120) + "\n"
        yield "| column | unit | meaning | null when | read by |\n|---|---|---|---|---|"
        for feature in (each for each in described if each.source == source):
            fields = (f"`{feature.name}`", feature.unit, feature.meaning, feature.null, feature.used_by)
            yield f"| {' | '.join(fields)} |"
        yield ""


def _about(relation: Relation) -> str:
    """Return the comment lines below a file's header as prose."""
    lines = HEADER.sub("", relation.text).splitlines()
    about = [line.removeprefix("-- ") for line in lines[: next(i for i, line in enumerate(lines) if line[:2] != "--")]]
    return " ".join(about)


if __name__ == "__main__":
    PAGE.write_text(page(SqlFolder(ROOT / "sql")), encoding="utf-8")
