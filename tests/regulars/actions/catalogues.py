"""Shared by the tests of actions: a small catalogue, and customers for it."""

from typing import Any

import numpy as np


def action(**changed: Any) -> dict[str, Any]:
    """Return an email that costs 1.00, with the assumption that it lowers churn by a tenth."""
    effect = {"on": "churn", "how": "relative", "low": -0.05, "likely": -0.10, "high": -0.15}
    return {"name": "email", "channel": "mail", "cost": 1, "effect": effect} | changed


def raw(*actions: dict[str, Any], **tables: Any) -> dict[str, Any]:
    """Return a catalogue as tomllib does; the default margin is 0.5."""
    return {"plan": {"margin": 0.5}, "action": list(actions or [action()])} | tables


def people(count: int = 3) -> dict[str, Any]:
    """Return the columns of customers C0, C1, ...: churn 0.5, value 100, two orders."""
    return {
        "customer_id": np.array([f"C{at}" for at in range(count)], dtype=object),
        "churn_probability": np.full(count, 0.5),
        "predicted_value": np.full(count, 100.0),
        "predicted_orders": np.full(count, 2.0),
        "segment": np.array(["Loyal"] * count, dtype=object),
    }
