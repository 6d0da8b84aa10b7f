"""The HTTP API.

Reading order: startup, app, routes, requests, online, request_features, ready_features, responses, problems,
correlation.
"""
