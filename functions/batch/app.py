"""Scores every order file that an S3 notification names."""

from regulars.batch.handler import handle
from regulars.observability import instrumented

handler = instrumented(handle)
