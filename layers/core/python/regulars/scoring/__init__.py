"""Scores of all customers, and the score file."""
