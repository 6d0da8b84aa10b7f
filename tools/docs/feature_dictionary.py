"""The feature dictionary: a line for each column, from the comments of the SQL files.

`python -m tools.docs.feature_dictionary` writes docs/features.md.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from regulars.data.sql import HEADER, Relation, SqlFolder
from regulars.features.columns import TABLE, FeatureColumn, feature_columns
from regulars_training.data.dataset import NOT_FEATURES
from regulars_training.models.segment import FEATURES as SEGMENT_FEATURES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "features.md"
INTRODUCTION = """# The feature dictionary

Written by `python -m tools.docs.feature_dictionary` from [sql/features](../sql/features); change the comments there.

{grain}.

Counts and money of the windows are 0 without orders; what was never brought (events, costs, discounts, margins) is
null, and the models take nulls. Windows reach back from `as_of` and include their oldest instant, never `as_of` itself.
Money is in the currency's minor units (cents).
"""


def used_by(column: FeatureColumn) -> str:
    """Name the models that read a column."""
    models = [] if column.name in NOT_FEATURES or column.name == "customer_id" else ["clv", "churn"]
    return ", ".join([*models, "segment"] if column.name in SEGMENT_FEATURES else models) or "-"


def page(sql: SqlFolder) -> str:
    """Return the dictionary as Markdown: a table for each file of sql/features."""
    grain = sql.relations[TABLE].grain
    return "\n".join([INTRODUCTION.format(grain=grain), *_tables(sql), ""])


def _tables(sql: SqlFolder) -> Iterator[str]:
    described = feature_columns(sql)
    for source in dict.fromkeys(feature.source for feature in described):
        relation = sql.relations[source]
        yield f"## [{source}](../sql/features/{source}.sql)\n"
        yield textwrap.fill(f"{relation.grain}. {_about(relation)}", 120) + "\n"
        yield "| column | unit | meaning | null when | read by |\n|---|---|---|---|---|"
        for feature in (column for column in described if column.source == source):
            fields = (f"`{feature.name}`", feature.unit, feature.meaning, feature.null, used_by(feature))
            yield f"| {' | '.join(fields)} |"
        yield ""


def _about(relation: Relation) -> str:
    """Return the comment lines below a file's header as prose."""
    lines = HEADER.sub("", relation.text).splitlines()
    about = [line.removeprefix("-- ") for line in lines[: next(i for i, line in enumerate(lines) if line[:2] != "--")]]
    return " ".join(about)


if __name__ == "__main__":
    PAGE.write_text(page(SqlFolder(ROOT / "sql")), encoding="utf-8")
