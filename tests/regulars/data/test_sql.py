"""The SQL loader: headers, binding of parameters, and the connection that every part of the system opens."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from regulars.data.sql import RawSql, SqlFolder, connect, parse
from regulars.errors import BundleError

HEADER = "-- One row per thing.\n-- Reads: things. Params: $low.\n"


def folder(tmp_path: Path, text: str) -> SqlFolder:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "large.sql").write_text(text)
    return SqlFolder(tmp_path)


def test_a_header_says_grain_reads_and_params(tmp_path: Path) -> None:
    relation = folder(tmp_path, HEADER.replace("$low.", "$low, $high.") + "select $low + $high").relations["large"]
    assert (relation.grain, relation.reads, relation.params) == ("One row per thing", ("things",), ("low", "high"))
    assert relation.folder == "features"


@pytest.mark.parametrize("text", ["select 1", "-- Things.\n-- Reads: a.\nselect 1", "-- One row per thing.\nselect 1"])
def test_a_file_without_its_header_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "large.sql").write_text(text)
    with pytest.raises(BundleError, match=r"large\.sql: the header must say"):
        parse(tmp_path / "large.sql")


def test_the_error_for_an_empty_folder_says_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="restore the folder, or train the bundle again"):
        _ = SqlFolder(tmp_path).relations


def test_a_file_gets_only_the_parameters_that_it_names(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute("create temp table things as select unnest([1, 2, 3]) as n")
    sql = folder(tmp_path, HEADER + "select n from things where n > cast($low as bigint)")
    sql.materialise(connection, ["large"], {"low": 1, "not_named": 9})
    assert connection.execute("select n from large order by n").fetchall() == [(2,), (3,)]


@pytest.mark.parametrize("where", ["n > $low and n > $high", "n > 1"], ids=["one more", "one less"])
def test_the_header_names_every_parameter_and_no_other(tmp_path: Path, where: str) -> None:
    with pytest.raises(BundleError, match=r"large\.sql: 'Params:' must name exactly the parameters"):
        _ = folder(tmp_path, HEADER + f"select n from things where {where}").relations


def test_a_view_follows_what_it_reads_and_text_is_quoted(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute("create temp table things as select 'it''s' as n")
    sql = folder(tmp_path, HEADER + "select n from things where n = $low -- not $this")
    sql.view(connection, ["large"], {"low": "it's"})
    connection.execute("insert into things select * from things")
    assert connection.execute("select n from large").fetchall() == [("it's",), ("it's",)]


def test_relations_compose_to_one_statement_over_any_expression(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    connection.execute("create temp table things as select unnest([1, 2, 3]) as n")
    sql = folder(tmp_path, HEADER + "select n from things where n > $low")
    ctes = sql.compose(["large"], {"low": RawSql("(select min(n) from things)")})
    assert connection.execute(f"with {ctes} select n from large order by n").fetchall() == [(2,), (3,)]


def test_the_connection_computes_in_utc_and_downloads_nothing() -> None:
    with connect("256MB", 1) as connection:
        options = dict(connection.execute("select name, value from duckdb_settings()").fetchall())
    assert options["TimeZone"] == "UTC"
    assert options["autoinstall_known_extensions"] == options["autoload_known_extensions"] == "false"
    assert options["threads"] == "1"
    with connect() as connection:
        [(moment,)] = connection.execute("select timestamptz '2025-07-01 00:00:00+02'::timestamp").fetchall()
    assert moment == datetime(2025, 6, 30, 22)  # noqa: DTZ001 - the lake's instants have no zone


def test_above_its_memory_limit_it_spills_to_the_named_folder(tmp_path: Path) -> None:
    """A sort that is larger than the memory limit finishes."""
    query = "select count(*) from (select * from range(3_000_000) t(n) order by hash(n), n % 7)"
    with connect("24MB", 1, tmp_path / "spill") as connection:
        assert connection.execute(query).fetchall() == [(3_000_000,)]


def test_a_connection_without_files_reads_and_writes_none(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with connect("1GB", 1, tmp_path / "spill", files=False) as closed:
        for query in (
            f"select * from read_csv('{secret}')",
            f"copy (select 1) to '{tmp_path / 'out.csv'}'",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                closed.execute(query)
    assert not (tmp_path / "out.csv").exists()
