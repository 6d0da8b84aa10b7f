"""Batch on this machine: `regulars batch` and `regulars redrive`, with the function's own code.

Reading order: source (the input), resources (threads and memory), checks (of OUT and of a lake's files), work_folder
(finished work, locked by one run), shard (some customers, scored by one thread), run (from the source to the scores),
aws_client (AWS errors in one line), remote (start the state machine), redrive (send dead letters back to their queue).
"""
