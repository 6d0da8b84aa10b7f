"""What may be odd about a lake, one module for each part of it."""
