"""The bundle: changes since training are refused by name, and nothing in it can run code."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from regulars.data.sql import SqlFolder
from regulars.errors import BundleError
from regulars.models.bundle import MANIFEST, Bundle, FileEntry
from regulars.models.loader import ModelLoader
from regulars.models.tasks import TASKS


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Bundle:
    """A bundle to damage."""
    return Bundle(Path(shutil.copytree(bundle_folder, tmp_path / "bundle")))


def test_an_untouched_bundle_is_verified(bundle: Bundle) -> None:
    bundle.verify()
    assert bundle.manifest.identity() == bundle.manifest.bundle
    assert bundle.manifest.bundle.startswith("2025-07-01.")
    assert {name.split("/")[0] for name in bundle.manifest.files} == {*TASKS, "recommend", "sql", "constants"}


def test_a_changed_byte_in_any_file_is_refused_by_name(copy: Bundle) -> None:
    for name in copy.manifest.files:
        file = copy.path / name
        good = file.read_bytes()
        for place in (0, len(good) // 2, len(good) - 1):
            file.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            with pytest.raises(BundleError, match=f"{name} has changed since training"):
                Bundle(copy.path).verify()
        file.write_bytes(good)
    Bundle(copy.path).verify()


@pytest.mark.parametrize("name", ["churn/leaf_table.npy", "clv/free/leaf_finder.onnx", "sql/features/rfm.sql"])
def test_a_missing_a_truncated_and_an_empty_file_are_named(copy: Bundle, name: str) -> None:
    file = copy.path / name
    for content in (file.read_bytes()[:-1], b""):
        file.write_bytes(content)
        with pytest.raises(BundleError, match=f"{name} has changed"):
            Bundle(copy.path).verify()
    file.unlink()
    with pytest.raises(BundleError, match=f"{name} is missing; restore it or train again"):
        Bundle(copy.path).verify()


def test_a_file_that_is_not_in_the_manifest_is_named(copy: Bundle) -> None:
    (copy.path / "churn" / "forest.joblib").touch()
    with pytest.raises(BundleError, match=r"churn/forest\.joblib is not in its manifest; remove it"):
        copy.verify()
    with pytest.raises(BundleError, match=r"has no churn/forest\.joblib"):
        copy.file("churn/forest.joblib")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:0],
        lambda text: text[:-10],
        lambda text: "\x00\xff" + text,
        lambda text: f"[{text}]",
        lambda text: text.replace('"format"', '"from_the_future": 1, "format"'),
        lambda text: text.replace('"format": 1', '"format": 2'),
    ],
    ids=["empty", "truncated", "garbage", "a list", "unknown field", "another format"],
)
def test_an_unreadable_manifest_is_refused(copy: Bundle, damage: Callable[[str], str]) -> None:
    file = copy.path / MANIFEST
    file.write_text(damage(file.read_text()))
    with pytest.raises(BundleError, match=r"manifest\.json is truncated or changed; restore it"):
        _ = Bundle(copy.path).manifest


@pytest.mark.parametrize("field", ["metrics", "horizon_days", "features", "files", "verdict", "as_of"])
def test_an_edited_manifest_is_not_the_one_that_was_written(copy: Bundle, field: str) -> None:
    """After any edit, such as a better metric or another hash, the id no longer fits."""
    manifest = json.loads((copy.path / MANIFEST).read_text())
    edits = {
        "metrics": {},
        "horizon_days": 91,
        "features": manifest["features"][::-1],
        "files": manifest["files"] | {"extra": {"sha256": "0" * 64, "bytes": 0}},
        "verdict": {"passed": not manifest["verdict"]["passed"], "reasons": []},
        "as_of": "2025-07-02T00:00:00Z",
    }
    (copy.path / MANIFEST).write_text(json.dumps(manifest | {field: edits[field]}))
    with pytest.raises(BundleError, match="is not the one that was written as 2025-07-01"):
        _ = Bundle(copy.path).manifest


def rewrite(folder: Path, files: dict[str, bytes]) -> Bundle:
    """Put files into a bundle and sign it again, as someone with write access could."""
    import hashlib  # noqa: PLC0415 - forging is this function's own business

    manifest = Bundle(folder).manifest
    entries = dict(manifest.files)
    for name, content in files.items():
        entries[name] = FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        if ".." not in name and not name.startswith("/"):
            (folder / name).write_bytes(content)
    forged = manifest.model_copy(update={"files": entries})
    forged = forged.model_copy(update={"bundle": forged.identity()})
    (folder / MANIFEST).write_text(forged.model_dump_json())
    return Bundle(folder)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "churn/../../outside.txt"])
def test_a_name_that_leads_out_of_the_bundle_is_refused(copy: Bundle, name: str) -> None:
    (copy.path.parent / "outside.txt").write_text("secret")
    with pytest.raises(BundleError, match=r"manifest\.json is truncated or changed"):
        rewrite(copy.path, {name: b"secret"}).file(name)


class Bomb:
    """Unpickling it creates the file `ran`."""

    def __init__(self, ran: Path) -> None:
        self.ran = ran

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.ran,)


def test_a_pickled_array_is_never_loaded_even_when_signed(copy: Bundle, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    np.save(tmp_path / "bomb.npy", np.array([Bomb(ran)], dtype=object), allow_pickle=True)
    for content in ((tmp_path / "bomb.npy").read_bytes(), pickle.dumps(Bomb(ran))):
        forged = rewrite(copy.path, {"segment/centroids.npy": content})
        with pytest.raises((ValueError, BundleError)):
            ModelLoader(forged)["segment"]
    assert not ran.exists()


def test_the_error_for_a_missing_bundle_says_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=f'no bundle at {tmp_path}; run "regulars train" or set REGULARS_BUNDLE'):
        _ = Bundle(tmp_path).manifest


def test_no_customer_is_in_any_file(bundle: Bundle, lake: Path, connection: duckdb.DuckDBPyConnection) -> None:
    query = "select customer_id from read_parquet($file)"
    customers = connection.execute(query, {"file": str(lake / "customers" / "*.parquet")}).fetchall()
    content = b"".join(file.read_bytes() for file in bundle.path.rglob("*") if file.is_file())
    assert len(customers) == 1_500
    assert not [name for (name,) in customers if name.encode() in content]


def test_the_bundle_holds_the_sql_of_staging_features_and_labels(bundle: Bundle, sql: SqlFolder) -> None:
    folders = ("staging", "features")
    served = {
        name: relation for name, relation in sql.relations.items() if relation.folder in folders or name == "future"
    }
    assert bundle.sql.relations == served


def test_sql_that_the_manifest_does_not_name_is_never_read(copy: Bundle) -> None:
    """A file beside those of the manifest is ignored, even with the name of a relation."""
    unknown = copy.path / "sql" / "zz" / "purchases.sql"
    unknown.parent.mkdir()
    unknown.write_text("-- One row per attack.\n-- Reads: orders.\nselect 1 as customer_id\n")
    assert "attack" not in copy.sql.relations["purchases"].grain


def test_a_file_of_sql_holds_one_select(copy: Bundle) -> None:
    file = copy.path / "sql" / "features" / "rfm.sql"
    file.write_text(file.read_text() + "; copy (select 1) to 'out.txt'")
    with pytest.raises(BundleError, match="one SELECT and no semicolon"):
        _ = SqlFolder(copy.path / "sql").relations
