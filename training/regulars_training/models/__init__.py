"""Models of each task: fit, blend and calibrate."""
