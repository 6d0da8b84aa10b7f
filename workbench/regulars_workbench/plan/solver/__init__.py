"""Allocation of actions within a budget and capacities."""
