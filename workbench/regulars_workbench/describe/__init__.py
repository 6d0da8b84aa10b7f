"""What happened in a shop up to an instant: the relations of `sql/report`, as tables, files and a page of pictures."""
