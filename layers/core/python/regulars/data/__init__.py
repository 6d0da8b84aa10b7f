"""The lake: its tables, its files, and the SQL that reads them."""
