"""Export of fitted models to a bundle."""
