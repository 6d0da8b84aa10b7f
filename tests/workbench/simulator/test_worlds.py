"""Small worlds of every kind: the rules between orders, truth and responses, and what --check says of them."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.data import lake
from regulars.data.sql import SqlFolder
from regulars.errors import LakeError
from regulars_training.train import train
from regulars_workbench.simulator.shop import SHOPS
from regulars_workbench.simulator.simulate import simulate
from regulars_workbench.simulator.truth.truth import month_ends
from regulars_workbench.simulator.verify.check import check
from regulars_workbench.simulator.verify.measures import Measure
from regulars_workbench.simulator.verify.rules import broken
from regulars_workbench.simulator.verify.simulated_lake import SimulatedLake
from regulars_workbench.simulator.worlds import World
from tests.conftest import AS_OF
from tests.properties import examples


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6,000 customers of a fashion shop over two years."""
    folder = tmp_path_factory.mktemp("world") / "lake"
    simulate(folder, customers=6_000, years=2, seed=11, shop="fashion")
    return folder


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(f"select count(*) {query}").fetchall()[0][0])


@settings(max_examples=examples(0.12), deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    customers=st.integers(1, 120),
    years=st.sampled_from([0.1, 0.5, 1.0, 2.3]),
    seed=st.integers(0, 2**32),
    shop=st.sampled_from(sorted(SHOPS)),
    end=st.dates(date(1975, 1, 1), date(2100, 1, 1)),
)
def test_the_rules_hold_in_every_world(customers: int, years: float, seed: int, shop: str, end: date) -> None:
    """No order before sign-up or after leaving; returns follow orders; sums of orders agree with the truth."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        simulate(Path(folder) / "lake", customers=customers, years=years, seed=seed, shop=shop, as_of=end)
        simulated = SimulatedLake(connection, Path(folder) / "lake")
        assert [measure for measure in broken(simulated) if not measure.passed] == []
        assert rows(connection, f"from orders where ordered_at >= timestamp '{end}'") == 0
        assert rows(connection, "from true_customers") == customers
        for table in ("events", "treatments"):
            assert rows(connection, f"from {table} anti join customers using (customer_id)") == 0
        wrong = "from true_value where true_no_order_90d not between 0 and 1.000001 or true_orders_30d < 0"
        assert rows(connection, wrong) == 0
        grows = (
            "from true_value where true_orders_90d < true_orders_30d or true_no_order_90d > true_no_order_30d + 1e-9"
        )
        assert rows(connection, grows) == 0


def test_customers_who_left_stay_away(world: Path) -> None:
    """Alive at the end of a month means signed up and not yet left. Nothing is expected of customers who left."""
    with duckdb.connect() as connection:
        SimulatedLake(connection, world)
        for month, end in month_ends(World.read(world).clock())[::5]:
            at = f"timestamp '{World.read(world).start}' + to_days({end})"
            wrong = f"""from true_alive join true_customers using (customer_id) join customers using (customer_id)
                where true_alive_{month:%Y_%m} is distinct from
                case when signed_up_at < {at} then true_left_at > {at} end"""
            assert rows(connection, wrong) == 0
        gone = "from true_value join true_customers using (customer_id) where true_left_at <= timestamp '2025-07-01'"
        assert rows(connection, gone) > 1_000
        assert rows(connection, f"{gone} and (true_orders_365d > 0 or true_no_order_30d < 1)") == 0
        assert rows(connection, "from true_response where true_orders < 0 and true_group <> 'sleeping_dog'") == 0
        assert rows(connection, "from true_response") == 3 * 6_000


def test_check_passes_and_fails(world: Path) -> None:
    """A world passes its check; a lake with missing orders does not."""
    with duckdb.connect() as connection:
        measures = check(connection, world)
        assert [measure for measure in measures if not measure.passed] == []
        assert len(measures) > 35
        connection.execute(
            "create or replace temp view sales as select * from orders where not is_return and random() < 0.8"
        )
        assert not all(measure.passed for measure in broken(_with_lost_orders(connection, world)))
    assert not Measure("not measured", 1.0, float("nan"), 1.0).passed


def _with_lost_orders(connection: duckdb.DuckDBPyConnection, folder: Path) -> SimulatedLake:
    """Return the lake without a fifth of its orders."""
    simulated = SimulatedLake(connection, folder)
    connection.execute(
        "create or replace temp view sales as select * from orders where not is_return and hash(order_id) % 5 > 0"
    )
    return simulated


def test_only_simulated_lakes_can_be_checked(tmp_path: Path, world: Path) -> None:
    (tmp_path / lake.MARKER).write_bytes((world / lake.MARKER).read_bytes())
    with duckdb.connect() as connection, pytest.raises(LakeError, match="only a lake made by"):
        check(connection, tmp_path)


def test_training_refuses_the_truth(lake: Path, sql: SqlFolder, tmp_path: Path) -> None:
    """It recognises the folder, and the columns in any table."""

    def attempt(folder: Path) -> None:
        with duckdb.connect() as connection:
            train(connection, folder, sql, as_of=AS_OF, horizon_days=90, out=tmp_path / "bundle")

    for folder in (lake / "truth", lake / "truth" / "value"):
        with pytest.raises(LakeError, match="which no model may see"):
            attempt(folder)
    with_truth = tmp_path / "with_truth"
    for table in ("orders", "customers"):
        (with_truth / table).mkdir(parents=True)
    (with_truth / "lake.json").write_bytes((lake / "lake.json").read_bytes())
    duckdb.sql(f"copy (from '{lake}/orders/*.parquet') to '{with_truth}/orders/part.parquet'")
    query = f"select * from '{lake}/customers/*.parquet' join '{lake}/truth/customers/*.parquet' using (customer_id)"
    duckdb.sql(f"copy ({query}) to '{with_truth}/customers/part.parquet'")
    with pytest.raises(LakeError, match="customers: column true_left_at is the truth"):
        attempt(with_truth)
    assert not (tmp_path / "bundle").exists()
