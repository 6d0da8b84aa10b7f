"""Answers POST /v1/segment."""

from regulars.startup import http

handler = http("segment")
