"""Which moments to learn from, and the snapshots of customers at them."""
