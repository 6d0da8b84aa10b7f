"""The TOML map: what it may say, and what a message names when it says something else."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from regulars.errors import MapError
from regulars.ingest.mapping import UNNAMED, load, parse

EXAMPLES = Path(__file__).parents[3] / "examples" / "maps"
ORDERS = {"customer_id": "Customer ID", "ordered_at": "Date", "order_value": "Quantity * Price"}


def test_a_map_sorts_columns_from_settings() -> None:
    section = {
        **ORDERS,
        "grain": "line",
        "files": ["a*.csv"],
        "attributes": {"country": "Country"},
        "where": "Price > 0",
    }
    mapping = parse({"currency": "GBP", "timezone": "Europe/London", "orders": section})
    orders = mapping.sections["orders"]
    assert (mapping.currency, orders.grain, orders.files) == ("GBP", "line", ("a*.csv",))
    assert (orders.columns, orders.attributes, orders.where) == (ORDERS, {"country": "Country"}, {UNNAMED: "Price > 0"})


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_are_maps(example: Path) -> None:
    assert load(example).sections["orders"].columns.keys() >= ORDERS.keys()


def test_the_map_in_the_docs_is_the_example() -> None:
    docs = (EXAMPLES.parents[1] / "docs" / "data-contract.md").read_text(encoding="utf-8")
    shown = docs.partition("```toml\n")[2].partition("```")[0]
    assert parse(tomllib.loads(shown)) == load(EXAMPLES / "online_retail_2.toml")


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"order": ORDERS}, r'unknown key "order".*\[orders\]'),
        ({"orders": ORDERS, "currencey": "EUR"}, r'"currencey"; did you mean "currency"'),
        (
            {"orders": {**ORDERS, "order_valeu": "x"}},
            r'\[orders\]: unknown key "order_valeu"; did you mean "order_value"',
        ),
        ({"orders": ORDERS, "events": {"grain": "line"}}, r'\[events\]: unknown key "grain"'),
        ({"orders": {"customer_id": "c"}}, r"\[orders\]: ordered_at, order_value missing"),
        ({"customers": {"customer_id": "c"}}, r"no \[orders\] section"),
        ({"orders": "x"}, r"\[orders\]: must be a section"),
        ({"orders": {**ORDERS, "grain": "item"}}, r"grain = 'item'"),
        ({"orders": {**ORDERS, "quantity": 1}}, r"quantity = 1"),
        ({"orders": {**ORDERS, "order_id": " "}}, r"order_id"),
        (
            {"orders": {**ORDERS, "attributes": {"Margin": "m"}}},
            r'attribute "Margin" has the name of a contract column',
        ),
        ({"orders": {**ORDERS, "attributes": {"a b": "m"}}}, r"attributes.a b"),
        ({"orders": {**ORDERS, "where": ["Price > 0"]}}, r"where"),
        ({"orders": ORDERS, "currency": "euro"}, r"currency = 'euro'.*GBP"),
        ({"orders": ORDERS, "encoding": "klingon"}, r"encoding = 'klingon'"),
    ],
)
def test_a_wrong_map_is_refused_by_name(raw: dict[str, Any], named: str) -> None:
    with pytest.raises(MapError, match=named):
        parse(raw)


def test_a_missing_map_says_where_to_read_on(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="data-contract"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text("[orders\n")
    with pytest.raises(MapError, match=r"map\.toml is not readable as TOML"):
        load(tmp_path / "map.toml")


def test_files_may_be_one_pattern() -> None:
    assert parse({"orders": {**ORDERS, "files": "m.csv"}}).sections["orders"].files == ("m.csv",)


LONG = "k" * 100_000


@pytest.mark.parametrize(
    "raw",
    [
        {LONG: 1},
        {"orders": LONG},
        {"orders": {**ORDERS, LONG: "x"}},
        {"orders": {**ORDERS, "attributes": {LONG + " ": "x"}}},
        {"orders": {**ORDERS, "grain": LONG}},
        {"orders": ORDERS, "currency": LONG},
    ],
)
def test_a_long_text_of_a_map_is_cut_in_the_message(raw: dict[str, Any]) -> None:
    with pytest.raises(MapError, match=r"k\.\.\.") as caught:
        parse(raw)
    assert len(str(caught.value)) < 400
