"""The state machine's steps, for inputs larger than one function: each call reads one raw file or one bucket.

Reading order: buckets (customers split by the md5 of their id), request (scores or features), run (a run's plan and
its files), step_events (the events of steps), steps: plan, stage (one raw file), check_staged (checks that need all
files), compare_keys (rows that repeat an earlier row's key), split_files (rows to buckets), bucket_lake, features,
collect (compare all counts, write the manifest); then dispatch (steps by name, and scoring one bucket).
"""
