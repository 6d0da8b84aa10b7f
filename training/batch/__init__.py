"""Batch on this machine: `regulars batch` and `regulars redrive`, by the function's own code.

Reading order: source (what was named), run (from it to the scores), stretch (some of the customers, by one thread),
redrive (dead letters back into their queue), cli.
"""
