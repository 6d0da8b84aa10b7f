"""The user's files: which there are, what they hold, and how each is read row by row.

sources (which files), archives (what a zip holds), encoding (which bytes are which characters), dialect (separator,
header and quotes of delimited text), records (text whose quotes need care), workbook, json_rows, open_file (one entry
for all of them), session (the DuckDB session that reads them).
"""
