"""Ingest refuses with one clear message, leaves nothing half-written and an earlier lake as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars.errors import MapError, RegularsError, SourceError
from tests.regulars.ingest.helpers import EUR, ORDERS, parquet, run, write

Make = Callable[[Path], Path]
GOOD = "who,at,value\na,2024-01-01,1\n"


def _bytes(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _truncated(folder: Path) -> Path:
    whole = parquet(folder / "cut.parquet", "select 'a' as who from range(10000)").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.parquet"


def _damaged(folder: Path) -> Path:
    path = parquet(
        folder / "bad.parquet",
        "select md5(cast(range as varchar)) as who, '2024-01-01' as at, '1' as value from range(9999)",
    )
    content = bytearray(path.read_bytes())
    content[200:9000] = bytes(8800)
    path.write_bytes(bytes(content))
    return path


def _empty_folder(folder: Path) -> Path:
    (folder / "void").mkdir()
    return folder / "void"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none.csv", r"none\.csv does not exist"),
        (_bytes("book.xlsx", b"PK"), r"book\.xlsx is not readable as a workbook"),
        (_empty_folder, "no CSV, Parquet, JSON or workbook in"),
        (_bytes("zero.csv", b""), r"zero\.csv is empty"),
        (_bytes("blank.csv", b"\n\n"), r"blank\.csv holds blank lines only"),
        (_bytes("zero.parquet", b""), r"zero\.parquet is empty"),
        (_bytes("head.csv", b"who,at,value\n"), r"no rows in head\.csv"),
        (_bytes("photo.csv", b"\x89PNG\0\0\1\2"), r"photo\.csv is no text: it holds binary data"),
        (_bytes("fake.parquet", b"who,at,value\n"), r"fake\.parquet is not readable as Parquet"),
        (_bytes("fake.csv.gz", b"who,at,value\n"), r"fake\.csv\.gz is not readable as CSV"),
        (_truncated, r"cut\.parquet is not readable as Parquet"),
        (_damaged, r"bad\.parquet is not readable as Parquet"),
        (
            _bytes("open.csv", b'who,at,value\n"a",2024-01-01,1\na,2024-01-01,"1\na,2024-01-01,1\n'),
            "a quote opens in line 3 and never closes",
        ),
        (
            _bytes("long.csv", b'who,at,value\n"' + b"x\n" * 2_000_000),
            r"long\.csv: line 2 is longer than 2 MB; a quote opens there",
        ),
        (
            _bytes("us.csv", b"who,at,value\na,31st of May,1\nb,31st of May,1\n"),
            r"not one row.*does not parse \(2 rows\).*31st of May.*date_format",
        ),
        (
            _bytes("cols.csv", b"who,value,att\na,1,2\n"),
            r"cols\.csv: no column 'at' for \[orders\] ordered_at.*who, value, att",
        ),
    ],
)
def test_a_bad_source_is_refused_and_the_earlier_lake_stays(tmp_path: Path, make: Make, message: str) -> None:
    lake = tmp_path / "lakes" / "lake"
    run([write(tmp_path / "good.csv", GOOD)], lake, EUR)
    before = {path.name: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    with pytest.raises(SourceError, match=f"(?s){message}"):
        run([make(tmp_path)], lake, EUR)
    assert {path.name: path.read_bytes() for path in lake.rglob("*") if path.is_file()} == before
    assert list((tmp_path / "lakes").iterdir()) == [lake]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timezone": "Europe/Londn"}, 'timezone = "Europe/Londn" is unknown; did you mean "Europe/London"'),
        ({"orders": {**ORDERS, "order_value": "sum(value)"}}, r"\[orders\] order_value = 'sum\(value\)' calls sum"),
        ({"orders": {**ORDERS, "where": {"all": "who"}}}, r"\[orders\] where.all = 'who' is of type VARCHAR"),
        ({"orders": {**ORDERS, "ordered_at": "value + 1"}}, r"ordered_at is of type DOUBLE, not a time.*to_timestamp"),
        (
            {"orders": {**ORDERS, "order_id": "substr(who, value)"}},
            r"order_id = 'substr\(who, value\)' does not fit good.csv",
        ),
        ({"date_format": "%Q"}, "date_format"),
    ],
)
def test_a_map_that_does_not_fit_is_refused_before_reading(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(MapError, match=message):
        run([write(tmp_path / "good.csv", GOOD)], tmp_path / "lakes" / "lake", {**EUR, **change})
    assert list((tmp_path / "lakes").iterdir()) == []


LONG = "k" * 100_000


@pytest.mark.parametrize(
    "change",
    [
        {"timezone": LONG},
        {"date_format": f"%Q{LONG}"},
        *(
            {"orders": {**ORDERS, "order_value": text}}
            for text in (LONG, f"{LONG}(value)", f"value + {LONG}", f"value + + '{LONG}", f"'{LONG}' {LONG} {LONG}")
        ),
        {"orders": {**ORDERS, "where": f"'{LONG}'"}},
        {"orders": {**ORDERS, "files": LONG}},
    ],
)
def test_a_long_text_of_a_map_is_cut_in_the_message(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(RegularsError) as caught:
        run([write(tmp_path / "good.csv", GOOD)], tmp_path / "lake", {**EUR, **change})
    assert len(str(caught.value)) < 600


def test_a_column_missing_in_one_of_two_files_names_that_file(tmp_path: Path) -> None:
    good, other = write(tmp_path / "1.csv", GOOD), write(tmp_path / "2.csv", "who,at,amount\na,2024-01-01,1\n")
    with pytest.raises(SourceError, match=r"2\.csv: no column 'value'"):
        run([good, other], tmp_path / "lake", EUR)


def test_a_section_without_a_file_is_refused(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", GOOD)
    with pytest.raises(SourceError, match=r"no source file is customers; call a file customers\*"):
        run([good], tmp_path / "lake", {**EUR, "customers": {"customer_id": "who"}})
    with pytest.raises(SourceError, match=r"none matches files = \['x\*'\] of \[orders\]"):
        run([good], tmp_path / "lake", {**EUR, "orders": {**ORDERS, "files": ["x*"]}})


def test_a_lake_inside_its_source_or_in_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in" / "good.csv", GOOD)
    with pytest.raises(SourceError, match="lies inside the source folder"):
        run([tmp_path / "in"], tmp_path / "in" / "lake", EUR)
    with pytest.raises(RegularsError, match="not ours to replace"):
        run([source], tmp_path / "in", EUR)
