"""RFM cut points: learnt in training from a histogram of values, applied everywhere else."""

from collections.abc import Sequence

import duckdb

from regulars.data.sql import SqlFolder

HISTOGRAM, CUT_POINTS = "rfm_histogram", "rfm_cut_points"

CutPoints = Sequence[tuple[str, int, int]]
"""Rows of `rfm_cut_points`: measure, cut number (1 to 4), cut value (days, orders or minor units)."""


def learn_cut_points(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> CutPoints:
    """Learn the RFM cut points from the relation `rfm`: training only."""
    sql.materialise(connection, [HISTOGRAM], {})
    return cut_points_of_histogram(connection, sql)


def cut_points_of_histogram(connection: duckdb.DuckDBPyConnection, sql: SqlFolder) -> CutPoints:
    """Learn the RFM cut points from the relation `rfm_histogram`, of all customers or summed over parts of them."""
    sql.materialise(connection, [CUT_POINTS], {})
    rows = connection.execute(f"select measure, cut_number, cut_value from {CUT_POINTS} order by all").fetchall()
    return [(str(measure), int(number), int(value)) for measure, number, value in rows]


def collapsed(cut_points: CutPoints) -> list[str]:
    """Return a warning for each measure whose cut points coincide, so that some scores do not occur."""
    warnings = []
    for measure in sorted({row[0] for row in cut_points}):
        values = [value for name, _, value in cut_points if name == measure]
        if len(set(values)) < len(values):
            scores = len(set(values)) + 1
            warnings.append(
                f"RFM {measure}: cut points coincide (many customers are alike), only {scores} of 5 scores are given"
            )
    return warnings


def bind_cut_points(connection: duckdb.DuckDBPyConnection, cut_points: CutPoints) -> None:
    """Create the relation `rfm_cut_points` from learnt rows."""
    measures, numbers, values = zip(*cut_points, strict=True)
    columns = {"measures": list(measures), "numbers": list(numbers), "amounts": list(values)}
    connection.execute(
        f"create or replace temp table {CUT_POINTS} as select unnest(cast($measures as varchar[])) as measure, "
        "unnest(cast($numbers as bigint[])) as cut_number, unnest(cast($amounts as bigint[])) as cut_value",
        columns,
    )
