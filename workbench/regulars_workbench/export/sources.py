"""What an export is made from: the score file, the plan's rows, and the lake's currency."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from regulars.data.lake import read_info
from regulars.data.paths import exactly
from regulars.data.schema import NO_CURRENCY
from regulars.errors import SourceError
from regulars.text import near
from regulars_workbench.export.columns import Facts

NEEDED = ("customer_id", "predicted_value", "churn_probability", "as_of", "horizon_days")
PLANNED = {
    "customer_id": "customer_id",
    "action": "action",
    "channel": "channel",
    "arm": "arm",
    "expected_profit": "expected_profit",
    "cost": "action_cost",
    "low": "expected_profit_low",
    "high": "expected_profit_high",
    "reason": "action_reason",
}
"""The columns of a plan, and what a score file calls them when its bundle holds a plan."""
MONEY = ("expected_profit", "cost", "low", "high")
UNNAMED = (NO_CURRENCY, "")


@dataclass(frozen=True)
class Source:
    """The relation `to_export`: its columns, whether they hold actions, and what is the same in all rows."""

    columns: frozenset[str]
    has_actions: bool
    facts: Facts


def read_source(connection: duckdb.DuckDBPyConnection, scores: Path, plan: Path | None, lake: Path | None) -> Source:
    """Make `scored`, and `to_export`: with a plan its rows, else one row a customer.

    SourceError when a file lacks a column, repeats a customer, or the plan was made from other scores.
    """
    types = _read_scores(connection, scores)
    days = _one_moment(connection, scores)
    columns = set(types)
    if plan:
        planned = _read_plan(connection, plan)
        _check_plan(connection, plan, scores)
        columns |= planned
        dropped = [name for name in planned if name in types and name != "customer_id"]
        kept = f"s.* exclude ({', '.join(dropped)})" if dropped else "s.*"
        joined = f"select {kept}, p.* exclude (customer_id) from planned p join scored s using (customer_id)"
        connection.execute(f"create or replace temp view to_export as {joined}")
    else:
        connection.execute("create or replace temp view to_export as select * from scored")
    info = read_info(lake) if lake else None
    currency = "" if info is None or info.currency in UNNAMED else info.currency
    facts = Facts(currency, 2 if info is None else info.minor_units, days)
    return Source(frozenset(columns), {"action", "arm"} <= columns, facts)


def _described(connection: duckdb.DuckDBPyConnection, relation: str, file: Path) -> dict[str, str]:
    try:
        rows = connection.execute(f"describe select * from {relation}").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{file} is not readable: {str(error).splitlines()[0]}") from error
    return {str(row[0]): str(row[1]) for row in rows}


def _read_scores(connection: duckdb.DuckDBPyConnection, scores: Path) -> dict[str, str]:
    if not scores.is_file():
        raise SourceError(f'no file at {scores}; make one with "regulars score"')
    relation = f"read_parquet({exactly(scores)})"
    types = _described(connection, relation, scores)
    for name in NEEDED:
        if name not in types:
            raise SourceError(
                f'{scores}: no column {name}; make the file with "regulars score"; {near(name, [*types])}'
            )
    ids = "* replace (cast(customer_id as varchar) as customer_id)"
    connection.execute(f"create or replace temp view scored as select {ids} from {relation}")
    repeated = "select count(*) - count(distinct customer_id) from scored"
    [(count,)] = connection.execute(repeated).fetchall()
    if count:
        raise SourceError(f"{scores}: {count:,} rows too many; each row needs a customer_id, and each may stand once")
    return types


def _one_moment(connection: duckdb.DuckDBPyConnection, scores: Path) -> int:
    """Return the horizon of the scores."""
    query = "select distinct as_of, cast(horizon_days as integer) from scored limit 2"
    moments = connection.execute(query).fetchall()
    if len(moments) > 1:
        raise SourceError(f"{scores}: scores of more than one as_of or horizon_days; export one file of scores")
    return int(moments[0][1]) if moments else 0


def _read_plan(connection: duckdb.DuckDBPyConnection, plan: Path) -> set[str]:
    """Make `planned` with the columns' names in score files; return them."""
    if not plan.is_file():
        raise SourceError(f'no file at {plan}; make one with "regulars plan"')
    is_csv = plan.suffix.lower() == ".csv"  # all text first: an id such as 007 is no number
    relation = f"read_csv({exactly(plan)}, all_varchar = true)" if is_csv else f"read_parquet({exactly(plan)})"
    types = _described(connection, relation, plan)
    for name in ("customer_id", "action", "arm", "expected_profit", "as_of"):
        if name not in types:
            raise SourceError(f'{plan}: no column {name}; make the file with "regulars plan"; {near(name, [*types])}')
    present = {name: known for name, known in PLANNED.items() if name in types}
    selected = [
        f"cast({name} as {'double' if name in MONEY else 'varchar'}) as {known}" for name, known in present.items()
    ]
    connection.execute(f"create or replace temp table planned as select {', '.join(selected)} from {relation}")
    connection.execute(
        f"create or replace temp view planned_at as select distinct cast(as_of as timestamp) as as_of from {relation}"
    )
    return set(present.values())


def _check_plan(connection: duckdb.DuckDBPyConnection, plan: Path, scores: Path) -> None:
    other = "select as_of from planned_at except select cast(as_of as timestamp) from scored order by 1 limit 1"
    for (moment,) in connection.execute(other).fetchall():
        raise SourceError(f"{plan} is for scores as of {moment:%Y-%m-%d}, and {scores} is of another date; plan again")
    strange = "select count(*), min(customer_id), min(arm) from planned where arm in ('treated', 'control') is not true"
    [(count, first, arm)] = connection.execute(strange).fetchall()
    if count:
        raise SourceError(f"{plan}: arm is {arm!r} for customer {first}; it may be treated or control; plan again")
    missing = "select count(*), min(customer_id) from planned anti join scored using (customer_id)"
    [(count, first)] = connection.execute(missing).fetchall()
    if count:
        raise SourceError(f"{plan}: {count:,} customers have no score in {scores}, the first is {first}; plan again")
