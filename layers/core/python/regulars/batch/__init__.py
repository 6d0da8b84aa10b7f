"""Batch: score files that arrive in S3, and write scores and rejects to the output bucket.

    incoming/as_of=2026-06-30/orders.csv            input; a map.toml beside it maps its columns
    scores/2026-06-30/<input-id>/part.parquet       output: one row per customer (part.csv on request)
    scores/2026-06-30/<input-id>/rejects.parquet    rejected rows and customers without a score, with reasons
    scores/2026-06-30/<input-id>/_manifest.json     written last: counts, input versions, output hashes

Reading order: events (objects in a notification), storage (S3 objects read and written by version), manifest (files
that are scored together), batch_input (one input: files, map, as_of), resources (limits of size, time, memory, disk),
counts (rows and customers must add up), rejects (who has no score, and why), pipeline (files to scores, without S3),
score (one input from S3 to S3), failures (retries and dead letters), state_machine (inputs larger than one function),
handler.
"""
