"""A bundle with any damage is refused before it scores, and the error names the damaged file."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.actions.advice import Advisor
from regulars.errors import BundleError
from regulars.models.bundle import MANIFEST, Bundle, FileEntry
from regulars.models.loader import ModelLoader
from regulars.models.tasks import TASKS
from tests.properties import examples

ANY = settings(max_examples=examples(1.5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A bundle to damage; each test repairs its damage."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))


def opened(folder: Path) -> None:
    """Open everything that scoring opens."""
    bundle = Bundle(folder)
    _ = bundle.sql.relations, bundle.cut_points, Advisor(bundle).shadow_prices
    for task in TASKS:
        ModelLoader(bundle)[task]


def damaged(file: Path, damage: Callable[[bytes], bytes], check: Callable[[], None]) -> None:
    good = file.read_bytes()
    try:
        file.write_bytes(damage(good))
        check()
    finally:
        file.write_bytes(good)


@given(seed=st.integers(0, 2**32), flip=st.integers(1, 255))
@ANY
def test_any_byte_of_any_file_flipped_is_refused_by_name(copy: Path, seed: int, flip: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - hypothesis picks the seed
    name = draw.choice(sorted(Bundle(copy).manifest.files))
    place = draw.randrange((copy / name).stat().st_size)

    def check() -> None:
        with pytest.raises(BundleError, match=f"{name} has changed since training"):
            opened(copy)

    damaged(copy / name, lambda good: good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :], check)


@given(place=st.integers(0, 10**9), byte=st.integers(0, 255))
@ANY
def test_any_byte_changed_in_the_manifest_is_refused_or_changes_nothing(copy: Path, place: int, byte: int) -> None:
    """White space may change, or `Z` to `z`, when the content stays the same."""
    written = Bundle(copy).manifest

    def check() -> None:
        try:
            manifest = Bundle(copy).manifest
        except BundleError as error:
            assert MANIFEST in str(error)  # noqa: PT017 - both outcomes are good
        else:
            assert manifest == written

    def damage(good: bytes) -> bytes:
        return good[: place % len(good)] + bytes([byte]) + good[place % len(good) + 1 :]

    damaged(copy / MANIFEST, damage, check)


def test_any_file_that_is_missing_is_named(copy: Path) -> None:
    for name in sorted(Bundle(copy).manifest.files):
        good = (copy / name).read_bytes()
        (copy / name).unlink()
        with pytest.raises(BundleError, match=f"{name} is missing"):
            opened(copy)
        (copy / name).mkdir()  # a folder of that name does not count
        with pytest.raises(BundleError, match=f"{name} is missing"):
            opened(copy)
        (copy / name).rmdir()
        (copy / name).write_bytes(good)
    (copy / MANIFEST).unlink()
    with pytest.raises(BundleError, match="no bundle at"):
        opened(copy)


@pytest.mark.parametrize("error", [-1, 1, 10**15])
def test_a_wrong_size_is_named_even_when_the_manifest_is_signed_again(copy: Path, error: int) -> None:
    """Someone with write access could sign again: the hash is right then, the size is not."""
    manifest = Bundle(copy).manifest
    for name, entry in manifest.files.items():
        files = manifest.files | {name: FileEntry(sha256=entry.sha256, bytes=entry.bytes + error)}
        forged = manifest.model_copy(update={"files": files})
        forged = forged.model_copy(update={"bundle": forged.identity()})
        (copy / MANIFEST).write_text(forged.model_dump_json())
        with pytest.raises(BundleError, match=rf"{name} has changed since training \(size differs\)"):
            opened(copy)
