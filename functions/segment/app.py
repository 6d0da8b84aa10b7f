"""Answers POST /segment."""

from regulars.api import create_app, lambda_handler

app = create_app("segment")
handler = lambda_handler(app)
