"""`regulars measure` on hand-made plans and orders."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from regulars.data import lake as lakes
from regulars.data.sql import SqlFolder
from regulars.errors import HistoryError, SourceError
from regulars_workbench.measure.measure import lake_margin, measure
from regulars_workbench.measure.plan_file import read_plan_file, treatments

PLANNED_AT = datetime(2026, 1, 1)  # noqa: DTZ001 - as Parquet has it
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
EARLY = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.fixture
def shop(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Path:
    """Return a lake of four control customers, who order for 20.00 each, and four treated, who order for 10.00 more."""
    orders = [(f"t{n}", 3, 2_000 + n) for n in range(4)] + [(f"t{n}", 9, 1_000) for n in range(4)]
    orders += [(f"c{n}", 5, 2_000 + n) for n in range(4)] + [("other", 60, 100), ("t0", -5, 700)]
    folder = tmp_path / "shop"
    (folder / "orders").mkdir(parents=True)
    pl.DataFrame(
        {
            "customer_id": [customer for customer, _, _ in orders],
            "ordered_at": [PLANNED_AT + timedelta(days=day) for _, day, _ in orders],
            "order_value_cents": [cents for _, _, cents in orders],
            "is_return": [False] * len(orders),
        }
    ).write_parquet(folder / "orders" / "part.parquet")
    lakes.finish(connection, folder, "EUR", 2)
    return folder


def plan_file(folder: Path, **changed: Any) -> Path:
    rows = pl.DataFrame(
        {
            "customer_id": [f"{arm}{n}" for arm in "tc" for n in range(4)],
            "action": ["call"] * 8,
            "arm": ["treated"] * 4 + ["control"] * 4,
            "cost": [1.5] * 4 + [0.0] * 4,
            "stratum": ["all"] * 8,
            "as_of": [PLANNED_AT] * 8,
            "horizon_days": [30] * 8,
        }
    )
    for name, values in changed.items():
        rows = rows.drop(name) if values is None else rows.with_columns(pl.Series(name, values))
    file = folder / "plan.parquet"
    rows.write_parquet(file)
    return file


def test_lift_and_profit_equal_the_numbers_by_hand(
    connection: duckdb.DuckDBPyConnection, shop: Path, sql: SqlFolder, tmp_path: Path
) -> None:
    plan = read_plan_file(plan_file(tmp_path))
    [effect] = measure(connection, plan, shop, sql, as_of=AS_OF, margin=0.4)
    assert (effect.action, effect.treated, effect.control) == ("call", 4, 4)
    assert effect.orders.mean == pytest.approx(1.0)
    assert effect.value.mean == pytest.approx(10.0)
    assert effect.cost == 6.0
    assert effect.profit.mean == pytest.approx(0.4 * 10 * 4 - 6)
    assert effect.verdict == "continue: it pays for itself"


def test_an_action_that_costs_more_than_it_brings_should_stop(
    connection: duckdb.DuckDBPyConnection, shop: Path, sql: SqlFolder, tmp_path: Path
) -> None:
    plan = read_plan_file(plan_file(tmp_path, cost=[20.0] * 4 + [0.0] * 4))
    [effect] = measure(connection, plan, shop, sql, as_of=AS_OF, margin=0.4)
    assert effect.verdict.startswith("stop")


def test_the_margin_is_the_lakes_own_up_to_the_day_of_measuring(
    connection: duckdb.DuckDBPyConnection, shop: Path, sql: SqlFolder
) -> None:
    file = shop / "orders" / "part.parquet"
    orders = pl.read_parquet(file)
    late = pl.col("ordered_at") >= AS_OF.replace(tzinfo=None)
    cents = pl.when(late).then(0).otherwise(pl.col("order_value_cents") // 4)
    orders.with_columns(margin_cents=cents).write_parquet(file)
    assert lake_margin(connection, shop, sql, AS_OF) == pytest.approx(0.25, abs=0.001)


def test_a_lake_without_margins_needs_the_option(
    connection: duckdb.DuckDBPyConnection, shop: Path, sql: SqlFolder
) -> None:
    with pytest.raises(HistoryError, match=r"have no margin_cents, .* as in --margin 0\.3"):
        lake_margin(connection, shop, sql, AS_OF)


def test_csv_and_parquet_read_the_same(tmp_path: Path) -> None:
    file = plan_file(tmp_path)
    pl.read_parquet(file).write_csv(tmp_path / "plan.csv")
    parquet, csv = read_plan_file(file), read_plan_file(tmp_path / "plan.csv")
    assert parquet.planned_at == csv.planned_at
    assert parquet.rows.equals(csv.rows)


def test_ids_of_a_plan_are_text(tmp_path: Path) -> None:
    """Ids with leading zeros are the same customers in the CSV and in the Parquet file of a plan."""
    file = plan_file(tmp_path, customer_id=[f"00{n}" for n in range(8)])
    csv = tmp_path / "plan.CSV"
    pl.read_parquet(file).write_csv(csv)
    assert read_plan_file(csv).rows["customer_id"].to_list() == [f"00{n}" for n in range(8)]


def test_a_plan_of_other_customers_is_refused(
    connection: duckdb.DuckDBPyConnection, shop: Path, sql: SqlFolder, tmp_path: Path
) -> None:
    plan = read_plan_file(plan_file(tmp_path, customer_id=[f"t{n}" for n in range(7)] + ["stranger"]))
    with pytest.raises(HistoryError, match=r"4 of the plan's 8 customers .*'stranger', 't4'"):
        measure(connection, plan, shop, sql, as_of=AS_OF, margin=0.4)


def test_a_plan_becomes_treatments(tmp_path: Path) -> None:
    rows = treatments(read_plan_file(plan_file(tmp_path)), 2)
    assert rows.columns == ["customer_id", "treated_at", "action", "arm", "cost_cents"]
    assert rows["cost_cents"].to_list() == [150] * 4 + [0] * 4
    assert rows["treated_at"].unique().to_list() == [PLANNED_AT]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"arm": None}, "column arm is missing"),
        ({"as_of": None}, "no column has the date of the plan"),
        ({"horizon_days": None}, "give --horizon"),
        ({"arm": ["treated"] * 4 + ["other"] * 4}, "arm is 'other' for customer c0"),
        ({"customer_id": ["t0"] * 8}, "the same action twice"),
        ({"as_of": [PLANNED_AT + timedelta(days=n) for n in range(8)]}, "one plan at a time"),
    ],
)
def test_a_file_that_is_not_a_plan_is_refused(changed: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        read_plan_file(plan_file(tmp_path, **changed))


def test_a_missing_or_unreadable_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such plan"):
        read_plan_file(tmp_path / "plan.parquet")
    (tmp_path / "plan.parquet").write_text("none")
    with pytest.raises(SourceError, match="not a readable plan"):
        read_plan_file(tmp_path / "plan.parquet")


@pytest.mark.parametrize(
    ("changed", "as_of", "message"),
    [
        ({"arm": ["treated"] * 8}, AS_OF, "8 treated and 0 control customers"),
        ({"as_of": [PLANNED_AT + timedelta(days=90)] * 8}, AS_OF, "the lake's orders end on 2026-03-02"),
        ({"horizon_days": [90] * 8}, AS_OF, "measure from 2026-04-01 on, or with --horizon 59"),
        ({}, EARLY, "measure from 2026-01-31 on, or with --horizon 14"),
    ],
)
def test_what_cannot_be_measured_is_refused(  # noqa: PLR0913, PLR0917 - fixtures and cases
    connection: duckdb.DuckDBPyConnection,
    shop: Path,
    sql: SqlFolder,
    tmp_path: Path,
    changed: dict[str, object],
    as_of: datetime,
    message: str,
) -> None:
    plan = read_plan_file(plan_file(tmp_path, **changed))
    with pytest.raises(HistoryError, match=message):
        measure(connection, plan, shop, sql, as_of=as_of, margin=0.4)
