"""How many examples a property test tries: by the profile of hypothesis, its default (100) or `nightly` (10,000)."""

from hypothesis import settings


def examples(share: float) -> int:
    """Return this share of the profile's number of examples, for a property whose examples are slow."""
    assert settings.default
    return max(int(settings.default.max_examples * share), 1)
