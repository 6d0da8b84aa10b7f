"""Answers POST /v1/clv."""

from regulars.startup import http

handler = http("clv")
