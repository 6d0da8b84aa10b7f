"""Scores and plans as other programs take them: workbooks, CSV, JSON, tables of PostgreSQL, uploads to vendors.

Reading order, which is also the direction of imports:
columns, layouts, names, destinations, sources, emails, rows, text_files, workbook, postgres, run.
"""
