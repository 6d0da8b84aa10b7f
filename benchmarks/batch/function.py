"""The function's work on one object, on one core; MEGABYTES limits its memory for data.

`python -m benchmarks.batch.function BUCKET KEY [MEGABYTES]`; S3 is at AWS_ENDPOINT_URL. Prints seconds as JSON.
"""

import json
import os
import resource
import sys
import time

bucket, key, *megabytes = sys.argv[1:]
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
if megabytes:
    limit = int(megabytes[0]) * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

from regulars.batch.events import S3Location  # noqa: E402 - the limit comes first
from regulars.batch.resources.clock import Clock  # noqa: E402 - the limit comes first
from regulars.batch.score import score_object  # noqa: E402 - the limit comes first
from regulars.models.loader import process_loader  # noqa: E402 - the limit comes first

clock, start = Clock(), time.perf_counter()
_, manifest = score_object(S3Location(bucket, key), process_loader(), clock)
seconds = {"total": time.perf_counter() - start, "customers": manifest["customers_scored"], **clock.seconds}
sys.stdout.write(json.dumps(seconds))
