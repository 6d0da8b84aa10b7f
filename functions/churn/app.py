"""Serves POST /v1/churn."""

from regulars.api.startup import http

handler = http("churn")
