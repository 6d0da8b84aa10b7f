"""Settings: read when first asked, refused by the variable's name."""

from pathlib import Path

import pytest

from regulars.errors import SettingsError
from regulars.settings import settings


def test_what_must_be_set_is_named(cold: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"REGULARS_BUNDLE: field required"):
        settings()
    cold.setenv("REGULARS_BUNDLE", "/opt/bundle")
    assert settings().bundle == Path("/opt/bundle")


@pytest.mark.parametrize(("name", "value"), [("MAX_CUSTOMERS", "0"), ("MAX_CUSTOMERS", "many"), ("THREADS", "0")])
def test_what_cannot_be_understood_is_named(cold: pytest.MonkeyPatch, name: str, value: str) -> None:
    cold.setenv("REGULARS_BUNDLE", "/opt/bundle")
    cold.setenv(f"REGULARS_{name}", value)
    with pytest.raises(SettingsError, match=f"REGULARS_{name}: input should be"):
        settings()


def test_they_are_read_once_and_cannot_be_changed(cold: pytest.MonkeyPatch) -> None:
    cold.setenv("REGULARS_BUNDLE", "/first")
    first = settings()
    cold.setenv("REGULARS_BUNDLE", "/second")
    assert settings() is first
    with pytest.raises(ValueError, match="frozen"):
        first.threads = 3
