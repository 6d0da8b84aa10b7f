"""Answers POST /clv."""

from regulars.startup import http

handler = http("clv")
