"""Validate and build the template, and invoke each function in a container."""
