"""A simulated shop measured against what was asked for."""
