"""Scores of all customers, and the file that holds them."""
