"""Answers POST /v1/profile."""

from regulars.startup import http

handler = http("profile")
