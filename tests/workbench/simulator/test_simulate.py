"""Properties of every simulated lake, for all seeds."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from regulars.data import lake
from regulars.data.schema import EVENT_KINDS
from regulars.errors import SettingsError
from regulars_workbench.simulator import simulate as simulation
from regulars_workbench.simulator.shop import CHANNELS, SHOPS
from regulars_workbench.simulator.simulate import simulate


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield views of a lake of 5,000 customers over three years."""
    folder = tmp_path_factory.mktemp("world") / "lake"
    simulate(folder, customers=5_000, years=3, seed=7)
    with duckdb.connect() as connection:
        lake.attach(connection, folder)
        yield connection


def first_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return tuple(connection.execute(query).fetchall()[0])


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_lake_json_describes_the_lake(tmp_path: Path) -> None:
    info = simulate(tmp_path / "lake", customers=200, years=1, seed=1, currency="JPY")
    assert info == lake.read_info(tmp_path / "lake")
    assert (info.currency, info.minor_units, info.tables["customers"].rows) == ("JPY", 0, 200)


def test_few_customers_bring_most_of_the_revenue(world: duckdb.DuckDBPyConnection) -> None:
    """Pareto law: the best fifth of the buyers brings about four fifths of the revenue."""
    query = "select sum(order_value_cents)::double as value from orders group by customer_id order by value desc"
    spent = world.execute(query).fetchnumpy()["value"]
    assert 0.7 < spent[: len(spent) // 5].sum() / spent.sum() < 0.9


def test_a_plausible_share_churns(world: duckdb.DuckDBPyConnection) -> None:
    """Of the customers with an order before the last 90 days, 30 % to 70 % do not order in these days."""
    query = "select min(ordered_at), max(ordered_at) from orders where not is_return group by customer_id"
    cutoff = datetime(2026, 4, 2)  # noqa: DTZ001 - the lake's instants are UTC without a zone
    churned = [last < cutoff for first, last in world.execute(query).fetchall() if first < cutoff]
    assert 0.3 < np.mean(churned) < 0.7


def test_gifts_are_bought_in_november_and_december(world: duckdb.DuckDBPyConnection) -> None:
    month = dict(world.execute("select month(ordered_at), count(*) from orders group by all").fetchall())
    assert month[11] + month[12] > 1.25 * max(month[9] + month[10], month[1] + month[2])


def test_engaged_customers_stay(world: duckdb.DuckDBPyConnection) -> None:
    """Recent buyers without a visit or an opened email in 60 days churn more often, but not always."""
    query = """
        with seen as (select customer_id, max(ordered_at) filter (where ordered_at < '2026-01-01') as last,
            max(ordered_at) < '2026-01-01' as churned from orders where not is_return group by customer_id),
        lively as (select distinct customer_id from events where kind in ('email_open', 'site_visit')
            and occurred_at >= '2025-11-02' and occurred_at < '2026-01-01')
        select avg(churned::integer) filter (where l.customer_id is null), avg(churned::integer) filter (where
            l.customer_id is not null) from seen left join lively as l using (customer_id) where last >= '2025-07-01'
    """
    [inactive, active] = first_row(world, query)
    assert 0.02 < active < inactive - 0.1 < 0.8


@pytest.mark.parametrize(
    "broken",
    [
        "from orders anti join customers using (customer_id)",
        "from events anti join customers using (customer_id)",
        "from treatments anti join customers using (customer_id)",
        "from orders join customers using (customer_id) where ordered_at < signed_up_at",
        "from events join customers using (customer_id) where occurred_at < signed_up_at",
        "from treatments join customers using (customer_id) where treated_at < signed_up_at",
        "from orders where ordered_at < '2023-07-01' or ordered_at >= '2026-07-01'",
        "from events where occurred_at < '2023-07-01' or occurred_at >= '2026-07-01'",
        "from customers where signed_up_at < '2023-07-01' or signed_up_at >= '2026-07-01'",
        "from treatments where treated_at < '2023-07-01' or treated_at >= '2026-07-01'",
        "from treatments where (arm = 'control') != (cost_cents = 0) or arm not in ('treated', 'control')",
        "from orders where is_return != (order_value_cents < 0) or is_return != (quantity < 0)",
        "from orders where order_value_cents = 0 or quantity = 0 or discount_cents * order_value_cents < 0",
        "from orders where greatest(abs(margin_cents), abs(3 * discount_cents) - 3) > abs(order_value_cents)",
        "from customers where coalesce(acquisition_cost_cents, -1) < 0",
        "from orders where order_value_cents + discount_cents + margin_cents + quantity is null",
        "from (select order_id from orders group by order_id having count(*) > 1)",
        "from (select customer_id from customers group by customer_id having count(*) > 1)",
    ],
)
def test_no_row_breaks_the_rules(world: duckdb.DuckDBPyConnection, broken: str) -> None:
    assert first_row(world, f"select count(*) {broken}") == (0,)


def test_every_kind_and_channel_occurs_and_no_other(world: duckdb.DuckDBPyConnection) -> None:
    [kinds] = first_row(world, "select list(distinct kind) from events")
    [channels] = first_row(world, "select list(distinct acquisition_channel) from customers")
    assert (set(kinds), set(channels)) == (set(EVENT_KINDS), set(CHANNELS))


def test_rows_lie_by_customer_and_time(world: duckdb.DuckDBPyConnection) -> None:
    for table, time in (("orders", "ordered_at"), ("events", "occurred_at"), ("treatments", "treated_at")):
        rows = world.execute(f"select customer_id, {time} from {table}").fetchall()
        assert rows == sorted(rows)


def test_a_return_takes_an_earlier_order_back(world: duckdb.DuckDBPyConnection) -> None:
    """A return has its order's id with an R, is at least a day later, and has negative amounts."""
    query = """
        select count(*) from orders as r join orders as s on r.order_id = s.order_id || 'R' and r.is_return
        and r.customer_id = s.customer_id and r.ordered_at >= s.ordered_at + interval 1 day
        and r.order_value_cents = -s.order_value_cents and r.margin_cents = -s.margin_cents
    """
    [returns, share] = first_row(world, "select count(*) filter (where is_return), avg(is_return::integer) from orders")
    assert first_row(world, query) == (returns,)
    assert 0.02 < share < 0.06


def test_same_seed_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs give the same bytes; another seed gives another world."""
    monkeypatch.setattr(simulation, "BLOCK", 150)
    for name, seed in (("first", 5), ("second", 5), ("other", 6)):
        simulate(tmp_path / name, customers=400, years=1.5, seed=seed, defects=True)
    first, second, other = (content(tmp_path / name) for name in ("first", "second", "other"))
    assert first == second
    assert first.keys() == other.keys()
    assert [file for file in first if first[file] == other[file]] == ["defects/map.toml"]


def test_a_full_block_is_the_same_in_a_larger_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "BLOCK", 100)
    progress: list[int] = []
    simulate(tmp_path / "small", customers=100, years=1, seed=2, chunk=1)
    simulate(tmp_path / "large", customers=250, years=1, seed=2, chunk=1, progress=progress.append)
    small, large = content(tmp_path / "small"), content(tmp_path / "large")
    assert {file for file in small if small[file] != large[file]} == {"lake.json", "truth/world.json"}
    assert max(progress) == 250
    assert len(progress) == 3


def test_chunks_only_group_blocks_into_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and their order do not depend on the chunk."""
    monkeypatch.setattr(simulation, "BLOCK", 50)
    for chunk, files in ((1, 5), (120, 3), (10_000, 1)):
        simulate(tmp_path / str(chunk), customers=210, years=1, seed=4, chunk=chunk)
        assert len(list((tmp_path / str(chunk) / "orders").iterdir())) == files
    for table in ("customers", "orders", "events", "treatments", "truth/customers", "truth/value", "truth/alive"):
        rows = [duckdb.sql(f"from '{tmp_path}/{chunk}/{table}/*.parquet'").fetchall() for chunk in (1, 120, 10_000)]
        assert rows[0] == rows[1] == rows[2]


@pytest.mark.parametrize("seed", range(5))
def test_one_customer_is_a_world(tmp_path: Path, seed: int) -> None:
    """All tables exist with their types, even if the customer never orders."""
    info = simulate(tmp_path / "lake", customers=1, years=0.1, seed=seed)
    with duckdb.connect() as connection:
        assert lake.attach(connection, tmp_path / "lake") == info
        assert first_row(connection, "select count(*) from customers") == (1,)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"customers": 0}, "customers is 0"),
        ({"customers": 10**9}, "customers is 1000000000"),
        ({"years": 0.0}, "years is 0"),
        ({"years": float("nan")}, "years is nan"),
        ({"years": 1000.0}, "years is 1000"),
        ({"years": 0.001}, "less than a day"),
        ({"start": date(9999, 1, 1)}, "starts or ends at 9999-01-01"),
        ({"as_of": date(1950, 1, 1)}, "starts or ends at 1950-01-01"),
        ({"seed": -1}, "seed is -1"),
        ({"currency": "euro"}, 'currency is "euro"'),
        ({"shop": "bakery"}, 'no shop "bakery"; there are: grocery, fashion'),
        ({"top_share": 0.1}, "top_share is 0.1; the nearest share that this shop reaches"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, bad: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        simulate(tmp_path / "lake", **{"customers": 10, "years": 1.0, "seed": 1} | bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("start", "years", "end"),
    [
        (date(2023, 7, 1), 3, date(2026, 7, 1)),
        (date(2024, 2, 29), 1, date(2025, 2, 28)),
        (date(2023, 7, 1), 7 / 12, date(2024, 2, 1)),
        (date(2023, 7, 1), 10 / 365.25, date(2023, 7, 11)),
    ],
)
def test_worlds_end_on_round_dates(start: date, years: float, end: date) -> None:
    assert simulation.end_of(start, years) == end


@pytest.mark.parametrize("end", [date(2026, 7, 1), date(2025, 3, 31), date(2024, 2, 29), date(2026, 1, 17)])
@pytest.mark.parametrize("years", [0.1, 1, 1.7, 3, 20])
def test_worlds_end_at_as_of(end: date, years: float) -> None:
    """`start_of` inverts `end_of`, except for days that a month does not have."""
    start = simulation.start_of(end, years)
    assert abs((simulation.end_of(start, years) - end).days) <= 3
    assert abs((end - start).days - years * 365.25) < 4


@pytest.mark.parametrize("shop", SHOPS)
def test_every_shop_is_a_world(tmp_path: Path, shop: str) -> None:
    info = simulate(tmp_path / "lake", customers=300, years=1, seed=3, shop=shop, as_of=date(2025, 1, 1))
    last = info.tables["orders"].last
    assert last
    assert datetime(2024, 12, 1) < last < datetime(2025, 1, 1)  # noqa: DTZ001 - the lake's instants
    assert info.tables["treatments"].rows > 0
