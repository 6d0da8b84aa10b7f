"""Serves POST /v1/clv."""

from regulars.api.startup import http

handler = http("clv")
