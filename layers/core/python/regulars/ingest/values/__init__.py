"""Contract values: how numbers, times, currencies and ids are written, and what they become in the lake."""
