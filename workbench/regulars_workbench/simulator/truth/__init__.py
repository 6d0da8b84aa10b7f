"""The truth behind a simulated shop, and what an oracle would forecast."""
