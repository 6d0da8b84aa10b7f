"""The models of each task: fitted, blended and calibrated."""
