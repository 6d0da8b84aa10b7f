"""The truth behind a simulated shop, and the forecast of an oracle that knows it."""
