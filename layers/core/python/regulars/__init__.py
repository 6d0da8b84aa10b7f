"""Regulars: from an order log to a costed plan for keeping customers.

Reading order, which is also the direction of imports:
errors, settings, observability, files, globs, schema, sql, columns, lake, ingest, features, process, bundle, trees,
reasons, tasks, loader, score_file, scoring, requests, ready, request_features, online, batch, answers, correlation,
problems, routes, api, startup.
"""

__version__ = "0.1.0"
