"""What can be odd about a lake: severity, reason and next step of each finding, and the thresholds."""
