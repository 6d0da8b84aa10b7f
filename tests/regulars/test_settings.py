"""Settings: read at first use, refused by the name of the variable."""

from pathlib import Path

import pytest

from regulars.errors import SettingsError
from regulars.settings import settings


def test_a_missing_setting_is_named(cold: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"REGULARS_BUNDLE: field required"):
        settings()
    cold.setenv("REGULARS_BUNDLE", "/opt/bundle")
    assert settings().bundle == Path("/opt/bundle")


@pytest.mark.parametrize(("name", "value"), [("MAX_CUSTOMERS", "0"), ("MAX_CUSTOMERS", "many"), ("THREADS", "0")])
def test_an_invalid_setting_is_named(cold: pytest.MonkeyPatch, name: str, value: str) -> None:
    cold.setenv("REGULARS_BUNDLE", "/opt/bundle")
    cold.setenv(f"REGULARS_{name}", value)
    with pytest.raises(SettingsError, match=f"REGULARS_{name}: input should be"):
        settings()


def test_settings_are_read_once_and_are_frozen(cold: pytest.MonkeyPatch) -> None:
    cold.setenv("REGULARS_BUNDLE", "/first")
    first = settings()
    cold.setenv("REGULARS_BUNDLE", "/second")
    assert settings() is first
    with pytest.raises(ValueError, match="frozen"):
        first.threads = 3
