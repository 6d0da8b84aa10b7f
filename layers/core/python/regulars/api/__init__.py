"""The HTTP API.

Reading order: contract, requests, online, bodies, correlation, problems, middleware, routes, app, startup.
"""
