"""What a lake is: its tables, the files that hold them, and the SQL that reads them."""
