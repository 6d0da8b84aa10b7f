"""Regulars: from an order log to a costed plan for keeping customers.

Reading order, which is also the direction of imports:
errors, settings, observability, files, globs, schema, sql, lake, ingest, features, process, bundle, trees, reasons,
actions, tasks, loader, scoring, requests, request_features, online, batch, problems, api.
"""

__version__ = "0.1.0"
