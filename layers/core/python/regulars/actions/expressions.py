"""The catalogue's expressions as checked SQL: named ones in the order of their use, then two for each action."""

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
    """The catalogue's expressions as checked SQL over one relation: its named ones first, then two an action."""

    actions: tuple[Action, ...]
    names: Mapping[str, Expression]
    eligible: tuple[Expression, ...]
    cost: tuple[Expression, ...]

    def query(self, relation: str, columns: Sequence[str], key: str) -> str:
        """Return a SELECT with `columns`, then `eligible_0`, `cost_0`, ... an action, in the order of `key`."""
        wanted = [quoted(column) for column in columns]
        wanted += [f"coalesce({one.sql}, false) as eligible_{at}" for at, one in enumerate(self.eligible)]
        wanted += [f"cast({one.sql} as double) as cost_{at}" for at, one in enumerate(self.cost)]
        return f"select {', '.join(wanted)} from {named(relation, self.names)} order by {quoted(key)}"

    def fetch(
        self, connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], key: str
    ) -> dict[str, npt.NDArray[Any]]:
        """Run the query and return its columns; CatalogueError names the expression that does not work on the rows."""
        try:
            return connection.execute(self.query(relation, columns, key)).fetchnumpy()
        except duckdb.DataError as error:
            inner = named(relation, self.names)
            values = [(f"[names] {name}", quoted(name)) for name in self.names]
            values += [
                (f"{of(action)} {field}", expression.sql)
                for field, expressions in (("eligible", self.eligible), ("cost", self.cost))
                for action, expression in zip(self.actions, expressions, strict=True)
            ]
            for said, value in values:
                try:
                    connection.execute(f"select max(hash({value})) from {inner}").fetchall()
                except duckdb.DataError as found:
                    raise CatalogueError(f"{said} does not work: {str(found).splitlines()[0]}") from error
            raise


def named(relation: str, names: Mapping[str, Expression]) -> str:
    """Return the relation with the named expressions as further columns."""
    for name, expression in names.items():
        relation = f"(select *, {expression.sql} as {quoted(name)} from {relation})"
    return relation


def compile_catalogue(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, source: Source) -> Compiled:
    """Check every expression against the columns of `source`.

    CatalogueError when one is no scalar expression, calls a function off the list, uses an unknown name, when named
    ones go in a circle, or when `eligible` gives no truth value or `cost` no number.
    """
    try:
        names = _names(connection, catalogue.names, source)
        wide = Source(source.name, {**source.columns, **_types(connection, names, source)})
        eligible = tuple(
            _typed(connection, one.eligible, wide, names, f"{of(one)} eligible", ("BOOLEAN",))
            for one in catalogue.action
        )
        cost = tuple(_typed(connection, one.cost, wide, names, f"{of(one)} cost", NUMBERS) for one in catalogue.action)
    except (MapError, SourceError) as error:
        raise CatalogueError(str(error)) from error
    return Compiled(catalogue.action, names, eligible, cost)


def of(action: Action) -> str:
    """Return how messages name an action."""
    return f'[[action]] "{action.name}",'


def _names(connection: duckdb.DuckDBPyConnection, texts: Mapping[str, str], source: Source) -> dict[str, Expression]:
    """Compile the named expressions, each after those that it uses."""
    for name in texts:
        if (column := source.column(name)) is not None:
            raise CatalogueError(f'[names] {name}: {source.name} has a column "{column}"; call it otherwise')
    known = Source(source.name, {**source.columns, **dict.fromkeys(texts, "DOUBLE")})
    found = {name: compile_expression(connection, text, known, f"[names] {name}") for name, text in texts.items()}
    uses = {name: [used for used in one.columns if used in texts] for name, one in found.items()}
    try:
        order = list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise CatalogueError(f"[names] go in a circle: {circle}; take one of them out") from error
    return {name: found[name] for name in order}


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
    base = Source(source.name, {name: kind for name, kind in source.columns.items() if name not in names})
    found = _type(connection, expression, _empty(base, names), where)
    if not found.startswith(kinds):
        wanted = "true or false" if kinds == ("BOOLEAN",) else "a number"
        raise CatalogueError(f"{where} = {text!r} gives {found}, and must give {wanted}")
    return expression
