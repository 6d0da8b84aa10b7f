"""Where the project's own files lie: SQL, the functions with their events, example catalogues and maps."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def resource(name: str) -> Path:
    """Return the folder `sql`, `functions` or `examples`."""
    return ROOT / name
