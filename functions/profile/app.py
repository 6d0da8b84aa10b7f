"""Serves POST /v1/profile."""

from regulars.api.startup import http

handler = http("profile")
