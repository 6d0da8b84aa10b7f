"""Regulars: from an order log to a costed plan for keeping customers.

Reading order; each module or folder imports only those before it:
errors, settings, observability, arrays, text, instants, data, expressions, ingest, features, models, actions, scoring,
api, batch.
"""

__version__ = "0.1.0"
