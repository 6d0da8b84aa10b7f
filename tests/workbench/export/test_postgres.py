"""`regulars export --to postgresql://...`, on a real server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars_workbench.export import postgres as tables
from tests.command_line import Run
from tests.postgres import Server
from tests.workbench.export.conftest import PLAN, SCORES, copy


@pytest.fixture
def server(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server without tables; its password is in the environment."""
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    postgres.sql("drop schema public cascade; create schema public")
    yield postgres
    postgres.sql("drop schema if exists other cascade")


def test_the_table_is_made_with_typed_columns(run: Run, plan: Path, server: Server) -> None:
    status, printed, error = run("--plan", plan, "--to", server.url("postgres/scores"))
    assert (status, error) == (0, "")
    assert "Wrote table scores of database postgres: 4 customers inserted, 0 updated" in printed
    kinds = "select column_name, data_type from information_schema.columns where table_name = 'scores'"
    types = dict(server.sql(kinds))
    assert types["expected_profit"] == "numeric"
    assert types["next_order_at"] == "date"
    assert types["as_of"] == "timestamp with time zone"
    columns = "customer_id, arm, expected_profit, predicted_value, churn_probability, clv_reasons, as_of"
    [row] = server.sql(f"set timezone = 'UTC'; select {columns} from scores where customer_id like 'ada%'")
    assert row[:5] == ["ada@example.com", "treated", "3", "10.01", "0.1235"]
    assert row[5:] == ["No order for 120 days. =spent 10.006.", "2026-07-01 00:00:00+00"]


def test_amounts_arrive_to_the_cent(run: Run, server: Server, scores: Path) -> None:
    amounts = [
        "0",
        "0.01",
        "0.1",
        "0.10",
        "1",
        "10000",
        "10000.05",
        "99999999.99",
        "123456789012.34",
        "100000000",
        "1e-9",
    ]
    listed = ", ".join(f"({amount}::double)" for amount in amounts)
    changed = "concat(amount, '') as customer_id, amount as predicted_value, -amount as predicted_value_low"
    distinct = f"(select distinct amount from (values {listed}) a(amount))"
    copy(f"select * replace ({changed}) from ({SCORES}), {distinct} where customer_id = '007'", scores)
    assert run("--to", server.url("postgres/scores"))[0] == 0
    wrong = (
        "predicted_value <> round(customer_id::numeric, 2) or predicted_value_low <> -round(customer_id::numeric, 2)"
    )
    assert server.sql(f"select customer_id, predicted_value, predicted_value_low from scores where {wrong}") == []
    assert server.sql("select count(*) from scores") == [[str(len({float(amount) for amount in amounts}))]]


def test_customers_are_updated_and_others_stay(run: Run, plan: Path, server: Server, scores: Path) -> None:
    run("--plan", plan, "--to", server.url("postgres/scores"))
    server.sql("insert into scores (customer_id, segment) values ('gone', 'old')")
    copy(f"select * replace (77.0 as predicted_value) from ({SCORES})", scores)
    _, printed, _ = run("--to", server.url("postgres/scores"))
    assert "1 customers inserted, 4 updated" in printed
    rows = server.sql('select customer_id, predicted_value, action from scores order by customer_id collate "C"')
    assert ["007", "77", "voucher"] in rows  # an export without a plan leaves the plan's columns
    assert ["-5", "77", ""] in rows
    assert ["gone", "", ""] in rows


def test_a_schema_can_be_named_and_names_are_quoted(run: Run, server: Server) -> None:
    server.sql("create schema other")
    assert run("--to", server.url("postgres/other.My%20%22Scores%22"))[0] == 0
    assert server.sql('select count(*) from other."My ""Scores"""') == [["5"]]


def test_all_or_nothing(run: Run, server: Server) -> None:
    """One row is refused: the table has none of the others."""
    run("--to", server.url("postgres/scores"))
    server.sql("delete from scores; alter table scores add check (customer_id <> '=cmd()')")
    status, _, error = run("--to", server.url("postgres/scores"))
    assert status == 2
    assert "table scores of database postgres is unchanged: new row" in error
    assert server.sql("select count(*) from scores") == [["0"]]


def test_a_table_that_is_refused_is_not_made(run: Run, server: Server) -> None:
    status, _, error = run("--to", server.url("postgres/nowhere.scores"))
    assert status == 2
    assert 'schema "nowhere" does not exist' in error


def test_a_table_of_another_shape_is_named_with_the_next_step(run: Run, server: Server) -> None:
    server.sql("create table bare (customer_id text)")
    _, _, error = run("--to", server.url("postgres/bare"))
    assert "add the column, or name a new table" in error
    run("--to", server.url("postgres/scores"))
    server.sql("alter table scores drop constraint scores_pkey")
    _, _, error = run("--to", server.url("postgres/scores"))
    assert "alter table ... add primary key (customer_id)" in error


def test_a_role_that_may_only_write_rows_is_enough(run: Run, server: Server) -> None:
    run("--to", server.url("postgres/scores"))
    server.sql("drop role if exists writer; create role writer login password 'hush'")
    server.sql("grant usage on schema public to writer; grant select, insert, update on scores to writer")
    url = server.url("postgres/scores").replace("//regulars@", "//writer@")
    status, printed, error = run("--to", url, PGPASSWORD="hush")
    assert (status, error) == (0, "")
    assert "5 updated" in printed
    server.sql("drop owned by writer; drop role writer")


def test_the_password_comes_from_a_file_too_and_is_never_printed(run: Run, server: Server, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(server.password + "\n", encoding="utf-8")
    status, printed, error = run("--to", server.url("postgres/scores"), "--password-file", file, PGPASSWORD=None)
    assert (status, error) == (0, "")
    assert server.password not in printed
    file.write_text("wrong-password", encoding="utf-8")
    status, printed, error = run("--to", server.url("postgres/scores"), "--password-file", file)
    assert status == 2
    assert "password authentication failed" in error
    assert "wrong-password" not in error + printed


def test_a_unix_socket_is_a_host(run: Run, server: Server) -> None:
    path = str(server.sockets).replace("/", "%2F")
    assert run("--to", f"postgresql://regulars@{path}:{server.port}/postgres/scores")[0] == 0


def test_a_server_that_is_not_there_is_named(run: Run) -> None:
    status, _, error = run("--to", "postgresql://regulars@127.0.0.1:1/postgres/scores")
    assert status == 2
    assert "table scores of database postgres cannot be reached: connection to server" in error


def test_several_actions_of_a_customer_are_refused(run: Run, plan: Path, server: Server) -> None:
    copy(f"from ({PLAN}) union all select * replace ('call' as action) from ({PLAN}) where customer_id = '007'", plan)
    status, _, error = run("--plan", plan, "--to", server.url("postgres/scores"))
    assert status == 2
    assert "several actions for 1 customers" in error


def test_many_customers_go_in_batches(run: Run, server: Server, scores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BATCH", 2_048)
    many = "concat('C', i) as customer_id"
    copy(f"select * replace ({many}) from ({SCORES}), range(24000) r(i) where customer_id = '007'", scores)
    _, printed, _ = run("--to", server.url("postgres/scores"))
    assert "24,000 customers inserted" in printed


def test_without_the_driver_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    status, _, error = run("--to", "postgresql://u@127.0.0.1:1/d/t")
    assert status == 2
    assert "needs the extra postgres" in error
