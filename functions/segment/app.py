"""Serves POST /v1/segment."""

from regulars.api.startup import http

handler = http("segment")
