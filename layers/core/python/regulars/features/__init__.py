"""From the relations of the contract to a table of features."""
