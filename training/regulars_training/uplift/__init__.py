"""Uplift: learn each action's effect on each customer, from logged experiments with a control arm."""
