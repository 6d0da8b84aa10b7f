"""Answers POST /profile."""

from regulars.api import create_app, lambda_handler

app = create_app("profile")
handler = lambda_handler(app)
