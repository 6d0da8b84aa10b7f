"""Learnt effects: from logged experiments with a control arm to what an action adds for each customer."""
