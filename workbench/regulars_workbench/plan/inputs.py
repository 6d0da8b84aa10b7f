"""Inputs of a plan: scores, features, and the lake's treatments and margin."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.actions.catalogue import Catalogue, Learnt
from regulars.actions.expressions import compile_catalogue
from regulars.actions.offers import SINCE, Offers, offers
from regulars.actions.random_draws import RandomDraws
from regulars.actions.value import INTERVAL, NEEDED
from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, literal
from regulars.errors import SourceError
from regulars.expressions.compiler import Source, quoted
from regulars.instants import as_of_params
from regulars.text import near
from regulars_workbench.describe.order_margin import order_margin

DRAW, STRATUM = "draw_of_customer", "stratum_of_customer"
TABLE = "people_to_plan"
KEPT = {"customer_id", *NEEDED, *INTERVAL, "segment", "churn_risk", SINCE}
"""Columns that a plan with assumed effects needs after its expressions are evaluated."""


@dataclass(frozen=True)
class People:
    """The n customers of a plan, by id: columns, random draws, strata, and offers."""

    columns: Mapping[str, npt.NDArray[Any]]
    draws: RandomDraws
    strata: npt.NDArray[np.int64]
    stratum_names: list[str]
    offers: Offers
    as_of: datetime
    horizon_days: int
    lake_margin: float | None
    knows_treatments: bool

    def __len__(self) -> int:
        return len(self.draws)

    def part(self, customers: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of some customers."""
        return {name: values[customers] for name, values in self.columns.items()}


def read_people(
    connection: duckdb.DuckDBPyConnection,
    scores: Path,
    catalogue: Catalogue,
    sql: SqlFolder,
    *,
    features: Path | None = None,
    lake: Path | None = None,
) -> People:
    """Read and check all inputs. SourceError names the file and column, CatalogueError the action and field."""
    types = _joined(connection, scores, features)
    as_of, horizon = _as_of_and_horizon(connection, scores)
    margin = _join_lake(connection, lake, sql, as_of) if lake else None
    _check(connection, scores)
    extra = f"md5_number_upper(concat({literal(catalogue.plan.salt)}, ':', customer_id)) as {DRAW}"
    stratum = _stratum(types)
    connection.execute(
        f"create or replace temp table {TABLE} as select *, {extra}, {stratum} as {STRATUM} from people_joined"
    )
    source = Source(
        scores.name, {name: kind for name, kind in _types(connection, TABLE).items() if name not in (DRAW, STRATUM)}
    )
    compiled = compile_catalogue(connection, catalogue, source)
    names = [row[0] for row in connection.execute(f"select distinct {STRATUM} from {TABLE} order by 1").fetchall()]
    # Only learnt effects read features. All features of a million customers would take gigabytes.
    learnt = any(isinstance(action.effect, Learnt) for action in catalogue.action)
    kept = [name for name in source.columns if learnt or name in KEPT]
    wanted = [*kept, DRAW, STRATUM]
    table = compiled.fetch(connection, TABLE, wanted, "customer_id")
    draws, codes = table.pop(DRAW), _codes(table.pop(STRATUM), names)
    return People(
        columns={name: _filled(table[name]) for name in kept},
        draws=np.asarray(draws, dtype=np.uint64),
        strata=codes,
        stratum_names=names,
        offers=offers(catalogue, table),
        as_of=as_of,
        horizon_days=horizon,
        lake_margin=margin,
        knows_treatments=lake is not None,
    )


def _stratum(types: Mapping[str, str]) -> str:
    """Return the SQL of a customer's stratum: segment and risk, as far as the scores have them."""
    parts = [f"coalesce(cast({quoted(name)} as varchar), '-')" for name in ("segment", "churn_risk") if name in types]
    return f"concat_ws(' / ', {', '.join(parts)})" if parts else "'all'"


def _joined(connection: duckdb.DuckDBPyConnection, scores: Path, features: Path | None) -> dict[str, str]:
    """Make the view `people_joined`: scores, and features that scores lack. Return the types of the scores' columns."""
    connection.execute(f"create or replace temp view people_scores as select * from {_file(connection, scores)}")
    types = _types(connection, "people_scores")
    for name in ("customer_id", *NEEDED, "as_of", "horizon_days"):
        if name not in types:
            raise SourceError(
                f'{scores}: no column {name}; make the file with "regulars score"; {near(name, [*types])}'
            )
    query = "select * replace (cast(customer_id as varchar) as customer_id) from people_scores"
    if features:
        connection.execute(
            f"create or replace temp view people_features as select * from {_file(connection, features)}"
        )
        feature_types = _types(connection, "people_features")
        if "customer_id" not in feature_types:
            raise SourceError(f"{features}: no column customer_id; {near('customer_id', [*feature_types])}")
        _check_unique(connection, "people_features", features)
        new = [quoted(name) for name in feature_types if name not in types]
        if new:
            query = (
                f"select s.*, {', '.join(f'f.{name}' for name in new)} from ({query}) s "
                "left join people_features f on s.customer_id = cast(f.customer_id as varchar)"
            )
    connection.execute(f"create or replace temp view people_joined as {query}")
    return types


def _file(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Return the relation of a Parquet or CSV file. SourceError: the file is absent or cannot be read."""
    if not path.is_file():
        raise SourceError(f"no file at {path}; name the Parquet or CSV file")
    reader = "read_csv" if path.suffix.lower() in {".csv", ".gz"} else "read_parquet"
    options = ", types = {'customer_id': 'VARCHAR'}" if reader == "read_csv" and _has_ids(connection, path) else ""
    relation = f"{reader}({literal(str(path))}{options})"
    try:
        connection.execute(f"describe select * from {relation}").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{path} is not readable as {reader[5:]}: {str(error).splitlines()[0]}") from error
    return relation


def _has_ids(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Say whether a CSV file has customer_id, which has to stay text: 00777 is no number."""
    try:
        columns = connection.execute(f"describe select * from read_csv({literal(str(path))})").fetchall()
    except duckdb.Error:
        return False  # the file is named when it is read
    return any(row[0] == "customer_id" for row in columns)


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in connection.execute(f"describe select * from {relation}").fetchall()}


def _check_unique(connection: duckdb.DuckDBPyConnection, relation: str, path: Path) -> None:
    query = f"select count(*) - count(distinct customer_id), max(customer_id is null) from {relation}"
    [(repeated, _)] = connection.execute(query).fetchall()
    if repeated:
        raise SourceError(f"{path}: {repeated:,} rows repeat a customer_id or have none; keep one row of each customer")


def _as_of_and_horizon(connection: duckdb.DuckDBPyConnection, scores: Path) -> tuple[datetime, int]:
    """Return the as_of and horizon that all scores share."""
    query = "select distinct cast(as_of as timestamp), cast(horizon_days as integer) from people_scores limit 3"
    pairs = connection.execute(query).fetchall()
    if len(pairs) > 1 or (pairs and None in pairs[0]):
        raise SourceError(f"{scores}: scores have more than one as_of or horizon_days; plan from one scoring run")
    return pairs[0] if pairs else (datetime(1970, 1, 1), 1)  # noqa: DTZ001 - there is no customer to plan for


def _join_lake(connection: duckdb.DuckDBPyConnection, lake: Path, sql: SqlFolder, as_of: datetime) -> float | None:
    """Join the days since each customer's last treatment; return the margin of the lake's orders, None if unknown."""
    attach(connection, lake)
    params = {"as_of": as_of_params(as_of)["as_of"]}
    sql.materialise(connection, ["last_treatments"], params)
    elapsed = f"(epoch(cast({literal(str(params['as_of']))} as timestamp)) - t.last_treated_at_s) / 86400"
    connection.execute("create or replace temp table people_known as select * from people_joined")
    connection.execute(
        f"create or replace temp view people_joined as select p.*, {elapsed} as {SINCE} "
        "from people_known p left join last_treatments t on p.customer_id = t.customer_id"
    )
    return order_margin(connection, sql, as_of)


def _check(connection: duckdb.DuckDBPyConnection, scores: Path) -> None:
    """Refuse invalid scores: nulls, probabilities outside 0 to 1, negative values, repeated customers."""
    _check_unique(connection, "people_scores", scores)
    rules = {
        "churn_probability": "churn_probability between 0 and 1",
        "predicted_value": "predicted_value >= 0 and isfinite(predicted_value)",
        "predicted_orders": "predicted_orders >= 0 and isfinite(predicted_orders)",
    }
    present = _types(connection, "people_scores")
    rules |= {name: f"isfinite({name})" for name in INTERVAL if name in present}
    for name, rule in rules.items():
        wrong = f"select count(*), min(customer_id) from people_scores where not coalesce({rule}, false)"
        try:
            [(count, first)] = connection.execute(wrong).fetchall()
        except duckdb.Error as error:
            raise SourceError(f"{scores}: {name} is not a number ({present[name]}); score again") from error
        if count:
            raise SourceError(
                f"{scores}: {name} is wrong in {count:,} rows, first of {first}; it must be {rule}; score again"
            )


def _codes(names: npt.NDArray[Any], known: list[str]) -> npt.NDArray[np.int64]:
    at = {name: code for code, name in enumerate(known)}
    return np.fromiter((at[name] for name in names), dtype=np.int64, count=len(names))


def _filled(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a column of DuckDB without mask: missing numbers are NaN, missing text is None."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    is_number = values.dtype.kind in "iufb"
    return np.ma.filled(values.astype(np.float64 if is_number else object), np.nan if is_number else None)
