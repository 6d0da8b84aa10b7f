"""Answers POST /segment."""

from regulars.startup import http

handler = http("segment")
