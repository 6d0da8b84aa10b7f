"""Answers POST /v1/churn."""

from regulars.startup import http

handler = http("churn")
