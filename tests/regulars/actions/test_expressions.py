"""The catalogue's expressions: which are accepted, their order, and the offers that they give."""

from typing import Any

import duckdb
import pytest

from regulars.actions.catalogue import parse
from regulars.actions.expressions import compile_catalogue
from regulars.actions.offers import Offers, offers
from regulars.errors import CatalogueError
from regulars.expressions.compiler import Source
from tests.regulars.actions.catalogues import action, raw

TYPES = {"customer_id": "VARCHAR", "churn_probability": "DOUBLE", "predicted_value": "DOUBLE", "segment": "VARCHAR"}
ROWS = """
    (select * from (values ('C0', 0.2, 100.0, 'Loyal', 3.0), ('C1', 0.8, 50.0, 'New', null),
     ('C2', null, 10.0, null, 90.0))
     as t(customer_id, churn_probability, predicted_value, segment, days_since_treatment))
"""


def offered(connection: duckdb.DuckDBPyConnection, content: dict[str, Any]) -> Offers:
    catalogue = parse(content)
    compiled = compile_catalogue(connection, catalogue, Source("scores.parquet", TYPES))
    return offers(catalogue, compiled.fetch(connection, ROWS, ["customer_id", "days_since_treatment"], "customer_id"))


def test_each_customer_has_eligibility_and_cost(connection: duckdb.DuckDBPyConnection) -> None:
    """A null condition means not eligible; costs are whole cents, rounded up."""
    result = offered(connection, raw(action(eligible="churn_probability < 0.9", cost="0.00101 * predicted_value")))
    assert result.eligible.tolist() == [[True, True, False]]
    assert result.cost.tolist() == [[11.0, 6.0, 0.0]]


def test_a_cooldown_excludes_customers_treated_recently(connection: duckdb.DuckDBPyConnection) -> None:
    result = offered(connection, raw(action(cooldown_days=30)))
    assert result.eligible.tolist() == [[False, True, True]]
    assert result.cooling.tolist() == [[True, False, False]]


def test_named_expressions_may_use_one_another_in_any_order(connection: duckdb.DuckDBPyConnection) -> None:
    names = {"twice": "2 * once", "once": "predicted_value + 1"}
    assert offered(connection, raw(action(cost="twice"), names=names)).cost.tolist() == [[20200.0, 10200.0, 2200.0]]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (raw(names={"a": "b + 1", "b": "c", "c": "a"}), ("go in a circle", "a", "b", "c")),
        (raw(names={"a": "a + 1"}), ("go in a circle: a -> a",)),
        (raw(names={"segment": "1"}), ('has a column "segment"',)),
        (raw(action(eligible="churn_probabilty < 0.5")), ('"email", eligible', 'did you mean "churn_probability"?')),
        (raw(action(eligible="predicted_value")), ('"email", eligible', "must give true or false")),
        (raw(action(cost="segment")), ('"email", cost', "must give a number")),
        (raw(action(cost="predicted_value +")), ('"email", cost', "not a SQL expression")),
        (raw(action(cost="-1")), ("cost = '-1' is -1.00 for 3 customers", "the first of them C0")),
        (raw(action(cost="1 / churn_probability - 5")), ("cost = '1 / churn_probability - 5' is -3.75", "C1")),
        (raw(action(cost="nullif(predicted_value, 50)")), ("is null for 1 customers", "C1")),
        (raw(action(eligible="make_date(1, 13, 1) is null")), ('"email", eligible does not work',)),
        (raw(action(eligible="length(read_text('/etc/passwd')) > 0")), ("read_text()", "not on the list")),
        (raw(action(cost="(select 1)")), ('"email", cost', "subquery")),
        (raw(action(cost="getenv('HOME')")), ("getenv()",)),
        (raw(names={"a": "random()"}), ("[names] a", "random()")),
    ],
)
def test_each_error_is_named(
    connection: duckdb.DuckDBPyConnection, content: dict[str, Any], named: tuple[str, ...]
) -> None:
    with pytest.raises(CatalogueError) as raised:
        offered(connection, content)
    assert all(part in str(raised.value) for part in named), str(raised.value)
