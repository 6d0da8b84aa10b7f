"""From the contract's relations to the table of features."""
