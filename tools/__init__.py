"""Builds and checks of what is deployed."""
