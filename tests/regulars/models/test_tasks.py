"""Each task's answers on the trained bundle: ranges, consistency with its constants, reasons that add up."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from regulars.data.lake import attach, view
from regulars.data.schema import TABLES
from regulars.data.sql import connect
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.models.process_forecasts import with_process
from regulars.models.purchase_process import Process
from regulars.models.reasons import GROUPS
from regulars.models.tasks import TASKS, Result
from regulars.models.tasks.segment import scaled
from regulars.scoring.score import features_of
from tests.conftest import AS_OF

EVERY = 1_000
"""More reasons than there are features."""

ANSWERS = {"clv": "predicted_value", "churn": "churn_probability"}


@pytest.fixture(scope="module")
def table(bundle_folder: Path, lake: Path) -> FeatureTable:
    """Every customer of the lake."""
    with connect("1GB", 1) as connection:
        attach(connection, lake)
        return features_of(connection, ModelLoader(Bundle(bundle_folder)), AS_OF)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_fills_exactly_the_fields_that_it_documents(loader: ModelLoader, table: FeatureTable, task: str) -> None:
    """One value per customer for each field of its Answer; reasons are separate."""
    prediction = loader[task].predict(table, reasons=1)
    fields = set(TASKS[task].Answer.model_fields) - set(Result.model_fields)
    assert set(prediction.columns) == fields - {"reasons"}
    assert all(len(values) == len(table) for values in prediction.columns.values())
    assert ("reasons" in fields) == bool(prediction.reasons)
    assert task == TASKS[task].NAME


def test_churn_is_a_probability_with_its_band(loader: ModelLoader, table: FeatureTable) -> None:
    columns = loader["churn"].predict(table).columns
    probability, risk = columns["churn_probability"], columns["churn_risk"]
    assert probability.min() >= 0
    assert probability.max() <= 1
    low, high = loader.bundle.json("churn/constants.json")["risk_bands"]
    np.testing.assert_array_equal(risk == "high", probability >= high)
    np.testing.assert_array_equal(risk == "low", probability < low)
    assert set(risk) == {"low", "medium", "high"}


def test_an_interval_holds_the_median_and_the_next_order_lies_ahead(loader: ModelLoader, table: FeatureTable) -> None:
    """No value is negative; customers have a date if an order is likelier than none."""
    columns = loader["clv"].predict(table).columns
    low, median, high = (columns[f"predicted_value_{name}"] for name in ("low", "median", "high"))
    assert (low >= 0).all()
    assert (low <= median).all()
    assert (median <= high).all()
    assert (high > low).mean() > 0.2
    at = columns["next_order_at"]
    known = ~np.isnat(at)
    assert (at[known] >= np.datetime64("2025-07-01")).all()
    assert (at[known] <= np.datetime64("2025-07-01") + 730).all()
    # The median is above zero only if an order within the horizon is as likely as none.
    within = known & (at <= np.datetime64("2025-07-01") + 90)
    assert (median[~within] == 0).all()
    assert (columns["predicted_orders"] > 0).all()


def test_value_is_money_in_whole_minor_units(loader: ModelLoader, table: FeatureTable) -> None:
    value = loader["clv"].predict(table).columns["predicted_value"]
    assert value.min() >= 0
    np.testing.assert_array_equal(value, np.round(value, 2))


@pytest.mark.parametrize("task", ANSWERS)
def test_base_and_reasons_add_up_to_the_answer(loader: ModelLoader, table: FeatureTable, task: str) -> None:
    """The base is the same for all customers; reasons are largest first, each group once."""
    prediction = loader[task].predict(table, reasons=EVERY)
    answers = prediction.columns[ANSWERS[task]]
    sums = np.array([sum(reason.effect for reason in reasons) for reasons in prediction.reasons])
    effects = [[abs(reason.effect) for reason in reasons] for reasons in prediction.reasons]
    base = answers - sums
    assert np.ptp(answers) > 0.5
    np.testing.assert_allclose(base, base[0], atol=1e-5)  # effects have six decimals
    assert all(sizes == sorted(sizes, reverse=True) for sizes in effects)
    for reasons in prediction.reasons[::100]:
        names = [reason.group for reason in reasons]
        assert len(set(names)) == len(names) >= 10
        assert all(reason.feature in GROUPS[reason.group] for reason in reasons)


def test_a_reason_has_the_customers_own_value(loader: ModelLoader, table: FeatureTable) -> None:
    reasons = loader["churn"].predict(table, reasons=3).reasons
    constants = loader.bundle.json("churn/constants.json")
    process = Process.model_validate(loader.bundle.json("constants/process.json"))
    table = with_process(table, process, constants["window_days"], constants["horizon_days"])
    for row in range(0, len(table), 50):
        assert len(reasons[row]) == 3
        for reason in reasons[row]:
            value = table.columns[reason.feature][row]
            assert reason.value is None if np.isnan(value) else reason.value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("task", ANSWERS)
def test_a_customer_alone_has_the_same_reasons_as_among_all(
    loader: ModelLoader, table: FeatureTable, task: str
) -> None:
    together = loader[task].predict(table, reasons=3).reasons
    for row in range(0, len(table), 200):
        part = slice(row, row + 1)
        alone = FeatureTable(table.customer_ids[part], {name: values[part] for name, values in table.columns.items()})
        assert list(loader[task].predict(alone, reasons=3).reasons or ()) == [together[row]]


def test_asking_for_reasons_changes_no_answer(loader: ModelLoader, table: FeatureTable) -> None:
    for task in TASKS:
        plain, reasoned = loader[task].predict(table), loader[task].predict(table, reasons=3)
        assert not plain.reasons
        for name, values in plain.columns.items():
            np.testing.assert_array_equal(values, reasoned.columns[name])


def test_a_segment_is_the_nearest_centre(loader: ModelLoader, table: FeatureTable) -> None:
    columns = loader["segment"].predict(table).columns
    constants = loader.bundle.json("segment/constants.json")
    centroids = loader.bundle.array("segment/centroids.npy")
    rows = scaled(table, constants["scaler"])
    nearest = np.linalg.norm(rows[:, None] - centroids[None], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(columns["segment_id"], np.array(constants["ids"])[nearest])
    assert [constants["names"][number] for number in nearest] == columns["segment"].tolist()


def test_a_customer_of_one_order_and_nothing_else_is_answered(
    loader: ModelLoader, connection: duckdb.DuckDBPyConnection
) -> None:
    """Optional features are null, answers are not."""
    first = datetime(2025, 6, 30, 23, 59, 59, tzinfo=UTC).replace(tzinfo=None)
    connection.execute(
        "create table t (customer_id varchar, ordered_at timestamp, order_value_cents bigint, is_return boolean)"
    )
    connection.execute("insert into t values ('c', ?, 100, false)", [first])

    for name, source in {"orders": "t", "customers": None, "events": None}.items():
        view(connection, TABLES[name], source)
    alone = features_of(connection, loader, AS_OF)
    assert np.isnan(alone.columns["engagement_score"]).all()
    for task in TASKS:
        for name, values in loader[task].predict(alone, reasons=3).columns.items():
            assert values[0] == values[0] or name == "next_order_at"
