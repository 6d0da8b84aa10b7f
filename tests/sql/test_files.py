"""The rules for all SQL files, checked through sqlglot; a new file needs no new test."""

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from regulars.data.schema import TABLES
from regulars.data.sql import Relation, SqlFolder

SQL = SqlFolder(Path(__file__).parents[2] / "sql")
FILES = sorted((SQL.path).glob("*/*.sql"))
RELATIONS = list(SQL.relations.values())

STRUCTURE = {
    *(exp.Alias, exp.Column, exp.CTE, exp.From, exp.Group, exp.Having, exp.Identifier, exp.Join, exp.Select, exp.Table),
    *(exp.TableAlias, exp.Union, exp.Where, exp.With, exp.Star, exp.Paren, exp.Literal, exp.Null, exp.Boolean),
    *(exp.Placeholder, exp.Parameter, exp.Var, exp.DataType, exp.DataTypeParam, exp.Interval),
    *(exp.Filter, exp.Window, exp.WindowSpec, exp.Order, exp.Ordered, exp.And, exp.Or, exp.Not, exp.Is, exp.In),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg),
}
FUNCTIONS = {
    *(exp.Case, exp.If, exp.Cast, exp.Coalesce, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Greatest, exp.Least),
    *(exp.Lag, exp.Nullif, exp.Sqrt, exp.Floor),
}
"""SQL that gave the same cells on DuckDB and Spark; other SQL must be measured before it is added."""

STAGING = {exp.DPipe, exp.TimeToStr}
"""More SQL for staging, which runs on DuckDB only."""

by_relation = pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)


def tree(relation: Relation) -> exp.Expression:
    """Return the file's one statement; fails when there are more."""
    [statement] = sqlglot.parse(relation.text, read="duckdb")
    assert isinstance(statement, exp.Expression)
    return statement


def test_there_are_files_and_no_two_make_one_relation() -> None:
    assert len(FILES) == len({file.stem for file in FILES}) == len(RELATIONS) > 10


@by_relation
def test_a_file_is_one_select_without_order(relation: Relation) -> None:
    statement = tree(relation)
    assert isinstance(statement, exp.Select)
    assert statement.args.get("order") is None
    assert statement.args.get("limit") is None


@by_relation
def test_the_last_select_lists_its_columns(relation: Relation) -> None:
    """Every column has a name; there is no `select *`."""
    statement = tree(relation)
    assert isinstance(statement, exp.Select)
    assert not statement.is_star
    assert all(column.alias_or_name for column in statement.selects)
    stars = [star for star in statement.find_all(exp.Star) if isinstance(star.parent, exp.Select)]
    assert not stars


@by_relation
def test_the_header_says_what_is_read(relation: Relation) -> None:
    """`Reads:` lists the relations that are not CTEs of the file, `Params:` its parameters."""
    statement = tree(relation)
    ctes = {cte.alias for cte in statement.find_all(exp.CTE)}
    assert {table.name for table in statement.find_all(exp.Table)} - ctes == set(relation.reads)
    named = [*statement.find_all(exp.Parameter), *statement.find_all(exp.Placeholder)]
    assert {node.name for node in named} == set(relation.params)


@by_relation
def test_what_is_read_is_a_table_of_the_contract_or_another_file(relation: Relation) -> None:
    """No feature file reads a label."""
    known = {*TABLES, *SQL.relations}
    if relation.folder == "staging":
        known |= {f"staged_{name}" for name in TABLES}
    assert set(relation.reads) <= known
    if relation.folder == "features":
        assert all(SQL.relations[name].folder == "features" for name in relation.reads if name not in TABLES)


@by_relation
def test_only_measured_sql_is_used(relation: Relation) -> None:
    allowed = STRUCTURE | FUNCTIONS | (STAGING if relation.folder == "staging" else set())
    unknown = {type(node).__name__ for node in tree(relation).walk() if type(node) not in allowed}
    assert unknown == set()


@by_relation
def test_ordered_windows_say_where_nulls_go(relation: Relation) -> None:
    """Checked in the text, since a parser fills in its dialect's default."""
    ordered = [node for window in tree(relation).find_all(exp.Window) for node in window.find_all(exp.Ordered)]
    text = relation.text.lower()
    assert text.count("nulls first") + text.count("nulls last") == len(ordered)


@by_relation
def test_integer_sums_are_cast_back(relation: Relation) -> None:
    """In DuckDB a sum of integers is a HUGEINT, so a `cast(... as bigint)` must be around it."""
    for total in tree(relation).find_all(exp.Sum):
        outer = total.find_ancestor(exp.Cast, exp.Select)
        assert isinstance(outer, exp.Cast), total.sql("duckdb")
        assert outer.to.sql("duckdb").lower() in ("bigint", "double")


@by_relation
def test_numbers_are_whole(relation: Relation) -> None:
    """A literal such as 0.5 is a decimal in one engine and a double in another."""
    numbers = [node.this for node in tree(relation).find_all(exp.Literal) if not node.is_string]
    assert not [number for number in numbers if not number.isdigit()]


@pytest.mark.parametrize(
    "relation", [each for each in RELATIONS if each.folder != "staging"], ids=lambda each: each.name
)
def test_it_transpiles_to_spark(relation: Relation) -> None:
    """Without a complaint, into one statement that Spark's own dialect reads again, with `:name` for `$name`."""
    [text] = sqlglot.transpile(
        relation.text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE, comments=False
    )
    again = sqlglot.parse_one(text, read="spark")
    ctes = {cte.alias for cte in again.find_all(exp.CTE)}
    assert {table.name for table in again.find_all(exp.Table)} - ctes == set(relation.reads)
    assert all(f":{name}" in text for name in relation.params)
    assert "$" not in text


@by_relation
def test_a_file_fits_on_a_page(relation: Relation) -> None:
    lines = relation.text.splitlines()
    assert len(lines) <= 70
    assert max(len(line) for line in lines) <= 140
    assert relation.text.endswith("\n")
    code = "\n".join(line.partition("--")[0] for line in lines)
    unquoted = "".join(code.split("'")[::2])
    assert unquoted == unquoted.lower()
