"""Batch: files that land in S3 leave scores and rejects in the output bucket, by the code of `score`.

    incoming/as_of=2026-06-30/orders.csv            in; a map.toml beside it says how to read it
    scores/2026-06-30/<input-id>/part.parquet       out: one row per customer (part.csv beside it on request)
    scores/2026-06-30/<input-id>/rejects.parquet    every source row and every customer without a score, with the reason
    scores/2026-06-30/<input-id>/_manifest.json     last: what was read, kept, rejected and scored

Reading order: events (what a notification names), source (an object as it was when looked at), manifest (what is scored
together), parcel (all that an input consists of), limits (what one function takes), clock (time left), balance (counts
that add up), rejects (who has no score, and why), work (files to scores, without S3), store (writes that only replace
what was seen), room (disk space that is given back), score (one input), failures (retries and dead letters), machine
(the state machine's steps), handler.
"""
