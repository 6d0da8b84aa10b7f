"""Serves POST /v1/recommend."""

from regulars.api.startup import http

handler = http("recommend")
