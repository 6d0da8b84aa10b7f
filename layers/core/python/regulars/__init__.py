"""Regulars: from an order log to a costed plan for keeping customers.

Reading order, which is also the direction of imports:
errors, settings, observability, schema, sql, lake, ingest, features, bundle, trees, tasks, scoring, batch, api.
"""

__version__ = "0.1.0"
