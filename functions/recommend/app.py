"""Answers POST /v1/recommend."""

from regulars.startup import http

handler = http("recommend")
