"""Answers POST /clv."""

from regulars.api import create_app, lambda_handler

app = create_app("clv")
handler = lambda_handler(app)
