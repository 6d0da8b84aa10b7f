"""From a user's files to a lake: `run.ingest`, a map, and a reason for every row that is not kept.

Reading order: mapping (the TOML map), vocabulary and expressions (what a map may say in SQL), report and hints (what
the user is told), sources (which files), readers (CSV, Parquet), faults (whose an error is), values (a cell's checks),
session, staging (a file), rejects, table_rows (a table), run.
"""
