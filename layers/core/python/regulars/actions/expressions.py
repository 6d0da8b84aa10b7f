"""The catalogue's expressions as checked SQL: the named ones, then `eligible` and `cost` of each action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import duckdb
import numpy.typing as npt

from regulars.actions.catalogue import Action, Catalogue
from regulars.errors import CatalogueError, MapError, SourceError
from regulars.expressions.compiler import Expression, Source, compile_expression, quoted

NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "HUGEINT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER")


@dataclass(frozen=True)
class Compiled:
    """Checked SQL over one relation; each of `names` comes after those that it uses."""

    actions: tuple[Action, ...]
    names: Mapping[str, Expression]
    eligible: tuple[Expression, ...]
    cost: tuple[Expression, ...]

    def query(self, relation: str, columns: Sequence[str], key: str) -> str:
        """Return a SELECT of `columns`, and `eligible_<n>` and `cost_<n>` of each action, in the order of `key`."""
        selected = [quoted(column) for column in columns]
        selected += [f"coalesce({rule.sql}, false) as eligible_{at}" for at, rule in enumerate(self.eligible)]
        selected += [f"cast({cost.sql} as double) as cost_{at}" for at, cost in enumerate(self.cost)]
        return f"select {', '.join(selected)} from {named(relation, self.names)} order by {quoted(key)}"

    def fetch(
        self, connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], key: str
    ) -> dict[str, npt.NDArray[Any]]:
        """Run the query and return its columns. CatalogueError names the expression that fails on the rows."""
        try:
            return connection.execute(self.query(relation, columns, key)).fetchnumpy()
        except duckdb.DataError as error:
            self._raise_first_failure(connection, relation, error)
            raise

    def _raise_first_failure(
        self, connection: duckdb.DuckDBPyConnection, relation: str, error: duckdb.DataError
    ) -> None:
        """Run each expression alone. CatalogueError names the first that fails."""
        inner = named(relation, self.names)
        values = [(f"[names] {name}", quoted(name)) for name in self.names]
        values += [
            (f"{action.label}, {field}", expression.sql)
            for field, expressions in (("eligible", self.eligible), ("cost", self.cost))
            for action, expression in zip(self.actions, expressions, strict=True)
        ]
        for label, value in values:
            try:
                connection.execute(f"select max(hash({value})) from {inner}").fetchall()
            except duckdb.DataError as failure:
                raise CatalogueError(f"{label} does not work: {str(failure).splitlines()[0]}") from error


def named(relation: str, names: Mapping[str, Expression]) -> str:
    """Return the relation with the named expressions as additional columns."""
    for name, expression in names.items():
        relation = f"(select *, {expression.sql} as {quoted(name)} from {relation})"
    return relation


def compile_catalogue(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, source: Source) -> Compiled:
    """Check every expression against the columns of `source`.

    CatalogueError: an expression is not scalar, calls a function that is not allowed, or uses an unknown name; named
    expressions use one another in a circle; `eligible` is not boolean; `cost` is not a number.
    """
    try:
        names = _names(connection, catalogue.names, source)
        wide = Source(source.name, {**source.columns, **_types(connection, names, source)})
        eligible = tuple(
            _typed(connection, action.eligible, wide, names, f"{action.label}, eligible", ("BOOLEAN",))
            for action in catalogue.action
        )
        cost = tuple(
            _typed(connection, action.cost, wide, names, f"{action.label}, cost", NUMBERS)
            for action in catalogue.action
        )
    except (MapError, SourceError) as error:
        raise CatalogueError(str(error)) from error
    return Compiled(catalogue.action, names, eligible, cost)


def _names(connection: duckdb.DuckDBPyConnection, texts: Mapping[str, str], source: Source) -> dict[str, Expression]:
    """Compile the named expressions; each comes after those that it uses."""
    for name in texts:
        if (column := source.column(name)) is not None:
            raise CatalogueError(f'[names] {name}: {source.name} has a column "{column}"; choose another name')
    known = Source(source.name, {**source.columns, **dict.fromkeys(texts, "DOUBLE")})
    compiled = {name: compile_expression(connection, text, known, f"[names] {name}") for name, text in texts.items()}
    uses = {name: [used for used in expression.columns if used in texts] for name, expression in compiled.items()}
    try:
        order = list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise CatalogueError(f"[names] go in a circle: {circle}; remove one of them") from error
    return {name: compiled[name] for name in order}


def _types(connection: duckdb.DuckDBPyConnection, names: Mapping[str, Expression], source: Source) -> dict[str, str]:
    """Return the type of each named expression."""
    empty = _empty(source, {})
    types: dict[str, str] = {}
    for name, expression in names.items():
        types[name] = _type(connection, expression, empty, f"[names] {name}")
        empty = f"(select *, {expression.sql} as {quoted(name)} from {empty})"
    return types


def _empty(source: Source, names: Mapping[str, Expression]) -> str:
    """Return a relation with the source's columns and no row."""
    columns = ", ".join(f"cast(null as {kind}) as {quoted(name)}" for name, kind in source.columns.items())
    return named(f"(select {columns} where false)", names)


def _type(connection: duckdb.DuckDBPyConnection, expression: Expression, empty: str, where: str) -> str:
    try:
        [row] = connection.execute(f"describe select {expression.sql} as value from {empty}").fetchall()
    except duckdb.Error as error:
        raise CatalogueError(f"{where} does not work: {str(error).splitlines()[0]}") from error
    return str(row[1])


def _typed(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    source: Source,
    names: Mapping[str, Expression],
    where: str,
    kinds: tuple[str, ...],
) -> Expression:
    expression = compile_expression(connection, text, source, where)
    base = Source(source.name, {name: known for name, known in source.columns.items() if name not in names})
    kind = _type(connection, expression, _empty(base, names), where)
    if not kind.startswith(kinds):
        required = "true or false" if kinds == ("BOOLEAN",) else "a number"
        raise CatalogueError(f"{where} = {text!r} gives {kind}, but must give {required}")
    return expression
