"""Batch on this machine: `regulars batch` and `regulars redrive`, by the function's own code.

Reading order: source (what was named), run (from it to the scores), worker (one bucket in a process of its own),
redrive (dead letters back into their queue), cli.
"""
