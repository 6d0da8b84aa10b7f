"""From a request to features: check, then history_features or ready_features."""
