"""Thresholds of the findings."""

MOST_ORDERS = 50
"""Orders of one customer in a day from which they are not placed by hand: one every 20 minutes of 16 waking hours."""
MOST_EVENTS = 1_000
"""Events of one customer in a day from which they come from a program: over one a minute of 16 waking hours."""
OUTLIER = 20
"""An order above so many times the 99th percentile is an outlier. Cents read as units are 100 times too large."""
DOMINANT = 0.10
"""Share of revenue from which one customer decides how good a forecast looks."""
REPEATED_ERROR = 0.01
"""Share of repeated orders from which the export was read twice. Fewer may be a coincidence."""
MIXED = 0.01
"""Share of orders at midnight from which a log with times of day also has plain dates."""
