"""Answers POST /profile."""

from regulars.startup import http

handler = http("profile")
