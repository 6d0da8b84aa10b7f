"""The state machine's steps, for inputs beyond one function: no call has more than one raw file or one bucket.

Reading order: buckets (customers split by the md5 of their id), wanted (scores or features), run (what a run is and
where its work lies), step_events (what a step is sent), plan, stage (a raw file), settle (what only all files together
tell), keys (rows whose id an earlier row has), pieces (rows to buckets), bucket_lake, steps (a bucket's scores),
features, collect (every count compared, and the manifest).
"""
