"""The catalogue: what is accepted, and what each error names."""

from pathlib import Path
from typing import Any

import pytest

from regulars.actions.catalogue import load, parse
from regulars.actions.effects.sources import effect_sources
from regulars.errors import CatalogueError
from tests.regulars.actions.catalogues import action, raw

EFFECT = action()["effect"]


def test_a_number_is_an_expression_too() -> None:
    assert parse(raw(action(cost=0.05))).action[0].cost == "0.05"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (raw(action(effect=EFFECT | {"low": -2})), ('"email", effect', "over 100 %", "200%")),
        (raw(action(effect=EFFECT | {"likely": -0.5})), ('"email"', "likely must lie between low and high")),
        (raw(action(effect=EFFECT | {"on": "lift"})), ('"email"', "on = 'lift'")),
        (raw(action(effect={"on": "churn", "likely": 0.1})), ('"email", effect', "missing")),
        (raw(action(effect=EFFECT | {"higher": 1})), ('"email"', 'unknown key "higher"', 'did you mean "high"?')),
        (raw(action(eligble="true")), ('"email"', 'unknown key "eligble"', 'did you mean "eligible"?')),
        (raw(action(capacity=-1)), ('"email"', "capacity = -1")),
        (raw(action(capacity=1.5)), ('"email"', "capacity = 1.5")),
        (raw(action(cost=True)), ('"email"', "cost = True")),
        (raw(action(name="e mail")), ("name = 'e mail'",)),
        (raw(action(), action()), ('two [[action]] are called "email"',)),
        (raw(channel=[{"name": "mial", "capacity": 3}]), ('[[channel]] "mial"', 'did you mean "mail"?')),
        (raw(plan={"control": 0.9}), ("[plan]: control = 0.9",)),
        (raw(plan={"margin": 0}), ("[plan]: margin = 0",)),
        (raw(plan={"min_return": float("nan")}), ("[plan]: min_return",)),
        (raw(actoin=[]), ('unknown key "actoin"', 'did you mean "action"?')),
        ({"action": []}, ("action",)),
        ({}, ("action is missing",)),
    ],
)
def test_each_error_is_named(content: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(CatalogueError) as raised:
        parse(content, "my.toml")
    message = str(raised.value)
    assert message.startswith("my.toml: ")
    assert all(part in message for part in named), message
    assert "docs/plan.md" in message


def test_a_file_that_is_absent_or_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"no catalogue at .*docs/plan\.md"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[[action]\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="not readable as TOML"):
        load(tmp_path / "bad.toml")


def test_money_of_an_assumed_value_effect_is_in_minor_units() -> None:
    effect = {"on": "value", "how": "absolute", "low": 1, "likely": 2.5, "high": 3}
    source = effect_sources(parse(raw(action(effect=effect))), Path())["email"]
    assert source.of({}, 2).likely.tolist() == [250.0, 250.0]
