"""`regulars describe`: the relations of `sql/report` up to an instant, as tables, files and a page of pictures."""
