"""The cutoffs to train on, and the snapshots of customers at them."""
