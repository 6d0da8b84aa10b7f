"""The project's files that are no modules: SQL, the functions with their events, example catalogues and maps."""

from pathlib import Path

INSTALLED = Path(__file__).parent / "project_files"
"""A wheel has copies here. A checkout has none: pyproject.toml says what goes where."""
CHECKOUT = Path(__file__).resolve().parents[2]


def resource(name: str) -> Path:
    """Return the folder `sql`, `functions` or `examples`: the checkout's own, or the wheel's copy of it."""
    return (INSTALLED if INSTALLED.is_dir() else CHECKOUT) / name
