"""From fitted models to a bundle."""
