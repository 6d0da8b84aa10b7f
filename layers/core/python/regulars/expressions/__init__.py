"""DuckDB expressions that a user writes, checked and kept to a safe subset."""
