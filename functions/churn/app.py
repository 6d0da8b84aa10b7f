"""Answers POST /churn."""

from regulars.startup import http

handler = http("churn")
