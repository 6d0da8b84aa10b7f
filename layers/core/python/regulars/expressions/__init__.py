"""DuckDB expressions that users write, checked and limited to a safe subset."""
