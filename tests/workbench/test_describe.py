"""`regulars describe`: the numbers equal those of Polars; tables, files and errors."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from regulars.data.lake import finish
from regulars.data.schema import TABLES
from regulars.data.sql import SqlFolder, connect
from regulars.models.bundle import Bundle
from regulars_workbench.describe import output, pictures
from regulars_workbench.describe.facts import facts
from regulars_workbench.describe.page import READINGS
from regulars_workbench.describe.relations import REPORTED, Description, describe, needed
from tests.command_line import Run, command_line
from tests.conftest import AS_OF

MIDDLE = datetime(2025, 5, 20, 12, tzinfo=UTC)
"""An instant within a month of the simulated lake."""
Sales = pl.DataFrame


@pytest.fixture(scope="module")
def description(lake: Path, sql: SqlFolder) -> Description:
    """Return the description of the simulated lake in the middle of a month."""
    with connect("1GB", 1) as opened:
        return describe(opened, lake, sql, MIDDLE, lost_after_months=3)


@pytest.fixture(scope="module")
def sales(lake: Path) -> Sales:
    """Return the orders before that instant, with their month."""
    rows = pl.scan_parquet(lake / "orders" / "*.parquet").filter(
        ~pl.col("is_return"), pl.col("ordered_at") < MIDDLE.replace(tzinfo=None)
    )
    return rows.with_columns(month=pl.col("ordered_at").dt.truncate("1mo").cast(pl.Date)).collect()


def test_relations_come_after_those_they_read() -> None:
    """Each relation comes once. Existing relations, and those that only they need, are not made again."""
    sql = SqlFolder(Path(__file__).parents[2] / "sql")
    names = needed(sql, REPORTED)
    assert len(names) == len(set(names))
    for place, name in enumerate(names):
        reads = set(sql.relations[name].reads) - set(TABLES)
        assert reads <= set(names[:place])
    assert not {"rfm", "rfm_cut_points", "purchases"} & set(needed(sql, ["rfm_cells"], ["purchases", "rfm_scores"]))


def test_months_agree_with_polars(description: Description, sales: Sales) -> None:
    expected = sales.group_by("month").agg(
        order_count=pl.len(),
        active_customers=pl.col("customer_id").n_unique(),
        revenue_cents=pl.col("order_value_cents").sum(),
    )
    months = description.tables["monthly_revenue"].select(expected.columns)
    assert_frame_equal(months, expected, check_row_order=False, check_dtypes=False)


def test_cohorts_agree_with_polars(description: Description, sales: Sales) -> None:
    first = pl.col("month").min().over("customer_id")
    expected = sales.group_by(cohort_month=first, month="month").agg(
        active_customers=pl.col("customer_id").n_unique(), revenue_cents=pl.col("order_value_cents").sum()
    )
    cohorts = description.tables["cohorts"].filter(pl.col("active_customers") > 0).select(expected.columns)
    assert_frame_equal(cohorts, expected, check_row_order=False, check_dtypes=False)
    censored = description.tables["cohorts"].filter(
        pl.col("month").is_null() | (pl.col("month") == MIDDLE.date().replace(day=1))
    )
    assert censored["retention_share"].is_null().all()
    assert censored["cumulative_customer_cents"].is_null().all()


def test_gaps_agree_with_polars(description: Description, sales: Sales) -> None:
    days = sales.select("customer_id", day=pl.col("ordered_at").dt.date()).unique().sort("customer_id", "day")
    numbered = days.with_columns(
        order_number=pl.int_range(pl.len()).over("customer_id").clip(upper_bound=10),
        gap_days=pl.col("day").diff().over("customer_id").dt.total_days(),
    )
    expected = numbered.drop_nulls().group_by("order_number", "gap_days").agg(purchases=pl.len())
    assert_frame_equal(description.tables["gaps_between_orders"], expected, check_row_order=False, check_dtypes=False)


def test_concentration_agrees_with_polars(description: Description, sales: Sales) -> None:
    spent = sales.group_by("customer_id").agg(pl.col("order_value_cents").sum()).sort("order_value_cents")
    cents, customers = spent["order_value_cents"], len(spent)
    gini = ((2 * pl.int_range(1, customers + 1, eager=True) - customers - 1) * cents).sum() / (customers * cents.sum())
    numbers = facts(description)
    assert numbers["customers"] == customers
    assert numbers["gini"] == pytest.approx(gini, rel=1e-12)
    exact = customers // 5
    least, most = (cents.tail(exact + more).sum() / cents.sum() for more in (0, 1))
    assert least <= numbers["top_20_percent_share"] <= most


def test_totals_reconcile(description: Description, sales: Sales) -> None:
    """All tables have the same total of customers, orders and revenue."""
    money, customers = sales["order_value_cents"].sum(), sales["customer_id"].n_unique()
    for name in ("monthly_revenue", "cohorts", "segments", "rfm_grid", "rfm_cells", "concentration_summary"):
        assert description.tables[name]["revenue_cents"].sum() == money, name
    for name in ("segments", "rfm_grid", "rfm_cells", "concentration_summary"):
        assert description.tables[name]["customers"].sum() == customers, name
    flows, months = description.tables["customers_by_month"], description.tables["monthly_revenue"]
    new, returning, reactivated = (flows[f"{kind}_customers"] for kind in ("new", "returning", "reactivated"))
    assert (new + returning + reactivated).to_list() == flows["active_customers"].to_list()
    revenue = [flows[f"{kind}_revenue_cents"] for kind in ("new", "returning", "reactivated")]
    assert sum(revenue[1:], revenue[0]).to_list() == months["revenue_cents"].to_list()
    assert new.sum() == customers
    sizes = description.tables["cohorts"].filter(pl.col("months_since") == 0)
    assert sizes["cohort_customers"].to_list() == new.filter(new > 0).to_list()
    moved = flows["new_customers"] + flows["won_back_customers"] - flows["lost_customers"]
    steps = flows["current_customers"].diff()
    assert steps.drop_nulls().to_list() == moved.filter(steps.is_not_null()).to_list()
    assert description.tables["revenue_concentration"]["revenue_share"].to_list()[-1] == 1.0


def test_current_customers_are_those_who_ordered_in_the_last_months(description: Description, sales: Sales) -> None:
    flows = description.tables["customers_by_month"].filter("is_complete")
    months = flows["month"].to_list()
    for place in range(2, len(months)):
        recent = sales.filter(pl.col("month").is_in(months[place - 2 : place + 1]))
        assert flows["current_customers"][place] == recent["customer_id"].n_unique()


def test_a_bundle_adds_its_segments_and_forecasts(lake: Path, bundle_folder: Path, sql: SqlFolder) -> None:
    with connect("1GB", 1) as opened:
        description = describe(opened, lake, sql, AS_OF, bundle=Bundle(bundle_folder))
    segments = description.tables["segments"]
    named = {profile["name"] for profile in Bundle(bundle_folder).manifest.metrics["segment"]["segments"]}
    assert set(segments["segment"]) <= named
    assert segments["customers"].sum() == description.tables["concentration_summary"]["customers"].sum()
    assert segments["mean_predicted_value_cents"].min() >= 0
    assert segments["mean_churn_probability"].is_between(0, 1).all()
    assert description.bundle == Bundle(bundle_folder).manifest.bundle


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(lake, ...)` returns exit status, standard output and standard error of `regulars describe`."""
    return command_line(monkeypatch, capsys, "describe", columns=120)


def test_the_folder_has_every_relation_twice_and_a_page(run: Run, lake: Path, tmp_path: Path) -> None:
    """A second run writes the same bytes. The page has no script and no link."""
    first, again = tmp_path / "first", tmp_path / "again"
    status, shown, _ = run(lake, "--as-of", "2025-05-20T12:00:00", "--out", first)
    assert status == 0
    assert "Months, EUR" in shown
    assert run(lake, "--as-of", "2025-05-20T14:00:00+02:00", "--out", again)[0] == 0
    files = {file.name: file.read_bytes() for file in first.iterdir()}
    assert files == {file.name: file.read_bytes() for file in again.iterdir()}
    assert set(files) == {f"{name}.{kind}" for name in REPORTED for kind in ("csv", "parquet")} | {
        output.MARKER,
        output.PAGE,
    }
    for name in REPORTED:
        whole, text = pl.read_parquet(first / f"{name}.parquet"), pl.read_csv(first / f"{name}.csv")
        assert (whole.height, whole.columns) == (text.height, text.columns)
    page = files[output.PAGE].decode()
    assert page.count("<img ") == len(READINGS)
    assert "<script" not in page
    assert "http" not in page
    assert json.loads(files[output.MARKER])["facts"]["customers"] > 0


def test_json_has_every_row(run: Run, lake: Path) -> None:
    status, shown, _ = run(lake, "--as-of", "2025-05-20T12:00:00Z", "--json")
    assert status == 0
    answer = json.loads(shown)
    assert answer["as_of"] == "2025-05-20T12:00:00.000000Z"
    assert {name: len(rows) for name, rows in answer["tables"].items()} == {
        name: relation["rows"] for name, relation in answer["relations"].items()
    }
    assert answer["tables"]["monthly_revenue"][0]["month"] == "2023-07-01"


def lake_of(folder: Path, *sales: tuple[str, str, int]) -> Path:
    """Write a lake with orders only: customer, instant, cents."""
    rows = [
        {"customer_id": who, "ordered_at": when, "order_value_cents": cents, "is_return": cents < 0}
        for who, when, cents in sales
    ]
    frame = pl.DataFrame(rows).with_columns(pl.col("ordered_at").str.to_datetime(time_unit="us"))
    (folder / "orders").mkdir(parents=True)
    frame.write_parquet(folder / "orders" / "part.parquet")
    with connect("1GB", 1) as opened:
        finish(opened, folder, "JPY", 0)
    return folder


def test_one_customer_without_customers_or_events(run: Run, tmp_path: Path) -> None:
    """One order in a currency without decimals gives a short report. No picture fails."""
    folder = lake_of(tmp_path / "lake", ("a", "2024-02-29 12:00", 1500))
    status, shown, err = run(folder, "--as-of", "2024-03-01", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "JPY 1,500" in shown
    page = (tmp_path / "out" / output.PAGE).read_text(encoding="utf-8")
    assert "too short for this picture" in page
    assert page.count("<img ") + page.count("too short") == len(pictures.PICTURES)


def test_free_orders_have_no_shares(run: Run, tmp_path: Path) -> None:
    folder = lake_of(tmp_path / "lake", ("a", "2024-02-01 12:00", 0), ("b", "2024-01-01 12:00", 0))
    status, shown, err = run(folder, "--as-of", "2024-03-01", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "JPY 0" in shown


@pytest.mark.parametrize(
    ("sales", "as_of", "message"),
    [
        (
            [("a", "2024-02-29 12:00", 1500)],
            "2024-02-29",
            "the first is at 2024-02-29 12:00:00Z); choose a later --as-of",
        ),
        ([("a", "2024-02-29 12:00", -1500)], "2024-03-01", "no order that is not a return; ingest orders first"),
        ([("a", "2024-02-29 12:00", 1500)], "soon", "write it like 2026-06-30"),
    ],
)
def test_what_cannot_be_described_is_refused(
    run: Run, tmp_path: Path, sales: list[tuple[str, str, int]], as_of: str, message: str
) -> None:
    status, shown, err = run(lake_of(tmp_path / "lake", *sales), "--as-of", as_of, "--out", tmp_path / "out")
    assert (status, shown) == (2, "")
    assert err.startswith("error: ")
    assert message in err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_a_missing_lake_and_a_foreign_folder_are_refused(run: Run, lake: Path, tmp_path: Path) -> None:
    status, _, err = run(tmp_path / "nothing", "--as-of", "2025-01-01")
    assert (status, "no lake at" in err) == (2, True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    status, _, err = run(lake, "--as-of", "2025-01-01", "--out", tmp_path / "mine")
    assert (status, "not ours to replace" in err) == (2, True)
    assert (tmp_path / "mine" / "letter.txt").exists()
