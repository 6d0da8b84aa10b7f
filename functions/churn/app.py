"""Answers POST /churn."""

from regulars.api import create_app, lambda_handler

app = create_app("churn")
handler = lambda_handler(app)
