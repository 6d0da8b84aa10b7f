"""Ingest: from a user's own files to a lake, every row kept or rejected with its reason.

Reading order: mapping (what the user says), reading (which files, and how each is read), values (what cells mean),
staging (a file's rows as contract values), joins (columns of further files), judging (which rows are kept), table_rows
(one table from its files to the lake), exports (known exports), report, run (all of it).
"""
