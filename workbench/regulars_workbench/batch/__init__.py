"""Batch on this machine: `regulars batch` and `regulars redrive`, by the function's own code.

Reading order: source (what was named), means (what a run may take), claim (what is finished, and whose it is), run
(from the source to the scores), shard (some of the customers, by one thread), aws_errors (what AWS refuses, in a line),
remote (starting the state machine), redrive (dead letters back into their queue), cli.
"""
