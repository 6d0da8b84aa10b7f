"""Segments: the evidence for k, names from the profile, and ids that stay in later trainings."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars.features.relations import make_features_learning
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.tasks import segment as task
from regulars_training.models import segment
from regulars_training.models.segment_identity import LastSegments, last_segments, match
from regulars_training.models.segment_names import MEASURES, PROFILES, names_of
from tests.conftest import AS_OF

Centres = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@pytest.fixture(scope="module")
def tables(lake: Path, sql: SqlFolder) -> dict[int, FeatureTable]:
    """Every customer at AS_OF, and a quarter and half a year before it: days before AS_OF to features."""
    tables = {}
    with connect("1GB", 1) as connection:
        attach(connection, lake)
        for days in (0, 91, 182):
            make_features_learning(connection, sql, AS_OF - timedelta(days=days))
            tables[days] = FeatureTable.read(connection)
    return tables


@pytest.fixture
def last(bundle: Bundle) -> LastSegments:
    """The segments of the trained bundle."""
    return LastSegments.read(bundle)


def last_of(model: segment.SegmentModel) -> LastSegments:
    """Return a model as the last bundle's segments, as read from its files."""
    return LastSegments.of("2025-01-01.000000", model.centroids, model.constants)


def shuffled(table: FeatureTable, seed: int) -> FeatureTable:
    """The same customers in another order."""
    order = np.random.default_rng(seed).permutation(len(table))
    return FeatureTable(table.customer_ids[order], {name: values[order] for name, values in table.columns.items()})


def names_by_customer(model: segment.SegmentModel, table: FeatureTable) -> dict[str, str]:
    return dict(zip(table.customer_ids, model.model.predict(table).columns["segment"], strict=True))


def test_segments_are_named_once_from_their_profile(bundle: Bundle) -> None:
    metrics = bundle.manifest.metrics["segment"]
    constants = bundle.json("segment/constants.json")
    assert [profile["name"] for profile in metrics["segments"]] == constants["names"]
    assert [profile["segment_id"] for profile in metrics["segments"]] == constants["ids"] == [0, 1, 2, 3, 4]
    assert len(set(constants["names"])) == metrics["k"] == 5
    assert set(constants["names"]) <= set(PROFILES)
    assert sum(profile["spend_share"] for profile in metrics["segments"]) == pytest.approx(1)
    assert metrics["last"] is None


def test_the_evidence_names_a_k_by_elbow_and_one_by_silhouette(bundle: Bundle) -> None:
    metrics = bundle.manifest.metrics["segment"]
    rows = metrics["evidence"]
    assert [row["k"] for row in rows] == list(segment.CANDIDATES)
    assert metrics["suggested"] == segment.suggested(rows)
    assert metrics["suggested"]["silhouette"] == max(rows, key=lambda row: row["silhouette"])["k"]


def test_the_elbow_is_where_the_curve_bends() -> None:
    inertia = {2: 1000.0, 3: 600.0, 4: 250.0, 5: 220.0, 6: 200.0, 7: 190.0, 8: 185.0}
    rows = [{"k": k, "inertia": value, "silhouette": -abs(k - 3)} for k, value in inertia.items()]
    assert segment.suggested(rows) == {"elbow": 4, "silhouette": 3}
    assert segment.suggested([]) == {}


def profile(name: str) -> Centres:
    """Return a centre that is the profile of `name`."""
    measured = dict(zip(MEASURES, PROFILES[name], strict=True))
    return np.array([measured.get(feature, 0.0) * MEASURES.get(feature, 0.0) for feature in segment.FEATURES])


@pytest.mark.parametrize("name", PROFILES)
def test_a_segment_that_is_a_profile_takes_its_name(name: str) -> None:
    """Of two equal centres, only one takes the name."""
    assert names_of(profile(name)[None], segment.FEATURES) == [name]
    twins = names_of(np.stack([profile(name)] * 2), segment.FEATURES)
    assert name in twins
    assert len(set(twins)) == 2


def test_a_name_stays_while_it_fits_and_goes_when_it_does_not() -> None:
    """Halfway between two profiles the old name stays; on another profile it changes."""
    loyal, champions = profile("Loyal"), profile("Champions")
    halfway = (loyal + champions) / 2
    for old in ("Loyal", "Champions"):
        assert names_of(halfway[None], segment.FEATURES, {0: old}) == [old]
    assert names_of(champions[None], segment.FEATURES, {0: "Lost"}) == ["Champions"]
    assert names_of(champions[None], segment.FEATURES, {0: "a name of another version"}) == ["Champions"]


def test_a_kept_name_is_given_to_no_other() -> None:
    both = np.stack([profile("Champions"), profile("Champions") * 0.9])
    names = names_of(both, segment.FEATURES, {1: "Champions"})
    assert names[1] == "Champions"
    assert names[0] != "Champions"


def test_centres_are_matched_as_a_whole_and_strangers_are_not() -> None:
    old = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    assert match(old[[2, 0, 1]] + 0.3, old) == {0: 2, 1: 0, 2: 1}
    assert match(np.array([[0.1, 0.0], [9.0, 9.0]]), old) == {0: 0}
    assert match(np.vstack([old, [[2.0, 2.0]]]), old) == {0: 0, 1: 1, 2: 2}
    assert match(np.array([[7.0, 7.0]]), old[:1]) == {0: 0}


@pytest.mark.parametrize("seed", [1, 2])
def test_another_seed_and_order_of_customers_keep_nearly_all(tables: dict[int, FeatureTable], seed: int) -> None:
    first = segment.SegmentModel(tables[0])
    table = shuffled(tables[0], seed)
    again = segment.SegmentModel(table, last=last_of(first), seed=seed)
    before, after = names_by_customer(first, tables[0]), names_by_customer(again, table)
    assert again.names == first.names
    assert np.mean([before[name] == after[name] for name in before]) > 0.99


def test_later_trainings_keep_ids_and_names(tables: dict[int, FeatureTable]) -> None:
    """After two quarters, most customers are in the segment that the last models give them."""
    model = segment.SegmentModel(tables[182])
    first = (model.ids, model.names)
    for days in (91, 0):
        model = segment.SegmentModel(tables[days], last=last_of(model))
        metrics = model.metrics(tables[days])["last"]
        assert (model.ids, model.names) == first
        assert metrics["renamed"] == metrics["new"] == metrics["gone"] == []
        assert metrics["kept_share"] > 0.9


def test_the_migration_counts_every_customer_once(tables: dict[int, FeatureTable], last: LastSegments) -> None:
    model = segment.SegmentModel(tables[91], last=last)
    metrics = model.metrics(tables[91])["last"]
    counts = np.array(metrics["customers"])
    assert counts.shape == (5, 5)
    assert counts.sum() == len(tables[91])
    assert metrics["bundle"] == last.bundle
    assert metrics["kept_share"] == pytest.approx(np.trace(counts) / counts.sum())
    assert counts.sum(axis=0).tolist() == [profile["customers"] for profile in model.metrics(tables[91])["segments"]]


@pytest.mark.parametrize(("k", "new", "gone"), [(6, 1, 0), (4, 0, 1)])
def test_another_k_adds_or_retires_segments_and_no_number_is_used_twice(
    tables: dict[int, FeatureTable], last: LastSegments, k: int, new: int, gone: int
) -> None:
    model = segment.SegmentModel(tables[0], k, last)
    metrics = model.metrics(tables[0])["last"]
    assert len(metrics["new"]) - len(metrics["gone"]) == new - gone
    assert len(metrics["new"]) >= new
    assert all(number >= last.next_id for number in metrics["new"])
    back = segment.SegmentModel(tables[0], 5, last_of(model))
    assert set(back.ids) - set(model.ids) <= set(range(model.next_id, model.next_id + 5))
    assert len(set(model.names)) == k


def test_segments_of_other_features_are_not_matched(tables: dict[int, FeatureTable], last: LastSegments) -> None:
    """New ids continue after the last ones."""
    columns = tables[0].columns
    other = LastSegments(**(vars(last) | {"features": [*segment.FEATURES[:-1], "orders_90d"]}))
    assert columns.keys() >= set(other.features)
    assert segment.SegmentModel(tables[0], last=other).ids == [5, 6, 7, 8, 9]


def test_a_renamed_segment_is_reported(tables: dict[int, FeatureTable], last: LastSegments) -> None:
    names = ["Lost" if name == "Champions" else "Champions" if name == "Lost" else name for name in last.names]
    wrong = LastSegments(**(vars(last) | {"names": names}))
    model = segment.SegmentModel(tables[0], last=wrong)
    assert model.names == last.names
    assert sorted(was for _, was, _ in model.metrics(tables[0])["last"]["renamed"]) == ["Champions", "Lost"]


def test_a_last_bundle_that_cannot_be_read_gives_a_warning(bundle: Bundle, tmp_path: Path) -> None:
    assert last_segments(tmp_path) == (None, [])
    (tmp_path / "manifest.json").write_text("{}")
    segments, warnings = last_segments(tmp_path)
    assert segments is None
    assert "new numbers" in warnings[0]
    segments, warnings = last_segments(bundle.path)
    assert segments is not None
    assert warnings == []


def test_customers_who_are_all_alike_are_one_segment() -> None:
    """A later training keeps its id."""
    alike = FeatureTable(np.array(["a", "b", "c"], dtype=object), {name: np.full(3, 7.0) for name in segment.FEATURES})
    model = segment.SegmentModel(alike)
    assert (model.ids, model.evidence) == ([0], [])
    metrics = model.metrics(alike)
    assert metrics["suggested"] == {}
    again = segment.SegmentModel(alike, last=last_of(model))
    assert again.ids == [0]


def test_segments_that_move_on_are_about_as_good_as_fresh_ones(tables: dict[int, FeatureTable]) -> None:
    """Kept ids cost at most DRIFT of the inertia, even if the last centres were of a different shop."""

    def inertia(model: segment.SegmentModel) -> float:
        rows = task.scaled(tables[0], model.scaler)
        return float(((rows[:, None] - model.centroids[None]) ** 2).sum(axis=2).min(axis=1).sum())

    first = segment.SegmentModel(tables[182])
    far = LastSegments(**(vars(last_of(first)) | {"centres": last_of(first).centres * np.linspace(0.01, 100, 6)}))
    fresh = inertia(segment.SegmentModel(tables[0]))
    for before in (last_of(first), far):
        assert inertia(segment.SegmentModel(tables[0], last=before)) * (1 - segment.DRIFT) <= fresh * 1.0001
