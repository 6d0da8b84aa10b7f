"""The API's contract as a file: `python -m tools.docs.openapi` writes docs/openapi.json."""

import json
from pathlib import Path

from regulars.api.app import ROUTES, create_app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def document() -> str:
    """Return the contract of all routes as JSON."""
    return json.dumps(create_app(*ROUTES).openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
