"""Regulars: from an order log to a costed plan for keeping customers.

Reading order, which is also the direction of imports:
errors, settings, observability, arrays, text, instants, data, expressions, ingest, features, models, actions, scoring,
api, batch.
"""

__version__ = "0.1.0"
