"""Scores each order file named in an S3 notification."""

from regulars.batch.handler import handle
from regulars.observability import instrumented

handler = instrumented(handle)
