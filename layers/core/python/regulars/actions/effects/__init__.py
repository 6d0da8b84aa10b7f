"""The effect of each action: assumed by the catalogue, or learnt from experiments."""
