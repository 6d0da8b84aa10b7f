"""Expressions of maps and catalogues: DuckDB SQL over columns, parsed by DuckDB and limited to a safe subset.

The user's text never runs. The checked syntax tree is written as SQL again, with every cast as `try_cast`: a bad cell
becomes null, and its row is rejected, while the ingest goes on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from regulars.errors import MapError, SourceError
from regulars.expressions.vocabulary import (
    ARITHMETIC,
    CLASSES,
    FUNCTIONS,
    NUMERIC,
    OPERATORS,
    PASSING,
    TEXT,
    Node,
    as_number,
    is_number,
    is_time,
)
from regulars.text import near, short, shown

WORDS = re.compile(r"\s*[^\W\d][\w .-]*")
"""Text that may be meant as a column's name without quotes."""


@dataclass(frozen=True)
class Source:
    """What an expression may use: a file's columns with their types, in order, and names that it repeats."""

    name: str
    columns: Mapping[str, str]
    doubled: frozenset[str] = frozenset()
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Text columns of numbers, each with the column that holds it as a double."""

    def column(self, name: str) -> str | None:
        """Return the column as the file spells it, ignoring case as DuckDB does; None when there is none."""
        return next((column for column in self.columns if column.lower() == name.lower()), None)


@dataclass(frozen=True)
class Expression:
    """A checked expression: safe SQL, and the source columns that it reads."""

    sql: str
    columns: tuple[str, ...]
    numeric: tuple[str, ...] = ()
    """Those text columns of them that are read as numbers."""


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def compile_expression(
    connection: duckdb.DuckDBPyConnection, text: str, source: Source, where: str, *, numeric: bool = False
) -> Expression:
    """Check `text` and rewrite it for `source`; `numeric` means that its value must be a number.

    MapError when it is not a scalar expression or uses a function that is not allowed; SourceError when the file lacks
    a column. `where` names the key in messages, as in `[orders] order_value`.
    """
    where = f"{where} = {shown(text)}"
    plain = source.column(text.strip().strip('"'))
    # A column's name alone may have spaces, as in `Customer ID`: no quotes are needed inside TOML's quotes.
    tree = _parse(connection, quoted(plain) if plain else text, source, where)
    rewriter = _Rewriter(source, where)
    tree["statements"][0]["node"]["select_list"] = [rewriter.rewrite(_only(tree, where), numeric=numeric)]
    [(sql,)] = connection.execute("select json_deserialize_sql(cast(? as json))", [json.dumps(tree)]).fetchall()
    safe = f"({sql.removeprefix('SELECT ').rstrip(';')})"
    return Expression(sql=safe, columns=tuple(rewriter.columns), numeric=tuple(rewriter.numeric))


def _parse(connection: duckdb.DuckDBPyConnection, text: str, source: Source, where: str) -> Node:
    # With the brackets and line ends, a comment or a comma cannot reach beyond the expression.
    [(answer,)] = connection.execute("select json_serialize_sql(?)", [f"select (\n{text}\n)"]).fetchall()
    tree: Node = json.loads(answer)
    if not tree["error"]:
        return tree
    if WORDS.fullmatch(text):
        raise _no_column(source, text, where)
    raise MapError(
        f"{where} is not a SQL expression: {short(tree['error_message'], 200)}; "
        'a column name that has spaces or is a word of SQL needs double quotes, as in "Customer ID"'
    )


def _no_column(source: Source, name: str, where: str) -> SourceError:
    return SourceError(f"{source.name}: no column {shown(name)} for {where}; {near(name, [*source.columns])}")


def _only(tree: Node, where: str) -> Node:
    """Return the expression of the statement; MapError when the text holds more than one expression."""
    node = tree["statements"][0]["node"]
    bare = node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY" and not node["where_clause"]
    if len(tree["statements"]) != 1 or not bare or len(node["select_list"]) != 1 or node["modifiers"]:
        raise MapError(f"{where} must be one expression over the columns of a row")
    expression: Node = node["select_list"][0]
    return expression


class _Rewriter:
    """Rewrites one expression's tree and collects the columns that it reads."""

    def __init__(self, source: Source, where: str) -> None:
        self.source = source
        self.where = where
        self.columns: dict[str, None] = {}
        self.numeric: dict[str, None] = {}

    def rewrite(self, node: Node, *, numeric: bool = False) -> Node:
        """Check the node and return it with safe casts, and with text read as numbers where a number is needed."""
        kind = node["class"]
        if kind not in CLASSES or (kind == "OPERATOR" and node["type"] not in OPERATORS):
            raise MapError(
                f"{self.where} holds a {kind.lower()}; only expressions over the columns of a row are allowed"
            )
        if kind == "COLUMN_REF":
            return self._column(node, numeric=numeric)
        if kind == "FUNCTION":
            return self._function(node, numeric=numeric)
        if kind == "CAST":
            return node | {"child": self.rewrite(node["child"]), "try_cast": True}
        return self._children(node, numeric=numeric)

    def _column(self, node: Node, *, numeric: bool) -> Node:
        name = ".".join(node["column_names"])
        column = self.source.column(name)
        if column is None:
            raise _no_column(self.source, name, self.where)
        self.columns[column] = None
        if not numeric or self.source.columns[column] != "VARCHAR":
            return node | {"column_names": [column]}
        self.numeric[column] = None
        if column in self.source.numbers:
            return node | {"column_names": [self.source.numbers[column]]}
        return as_number(node | {"column_names": [column]})

    def _function(self, node: Node, *, numeric: bool) -> Node:
        name = node["function_name"].lower()
        special = node["schema"] or node["catalog"] or node["filter"] or node["distinct"] or node["order_bys"]["orders"]
        if name not in FUNCTIONS or special:
            raise MapError(
                f"{self.where} calls {short(name)}(), which is not on the list of allowed functions; "
                "see docs/data-contract.md for those that are"
            )
        arguments = [argument["expression"] for argument in node["arguments"]]
        wanted = (
            name in NUMERIC
            or (name in ARITHMETIC and not any(map(is_time, arguments)))
            or (name in PASSING and numeric)
        )
        rewritten = [self.rewrite(argument, numeric=wanted) for argument in arguments]
        if name == "if":
            rewritten = [
                self.rewrite(arguments[0]),
                *(self.rewrite(branch, numeric=numeric) for branch in arguments[1:]),
            ]
        slots = [slot | {"expression": argument} for slot, argument in zip(node["arguments"], rewritten, strict=True)]
        node = node | {"arguments": slots} | _named("try_strptime" if name == "strptime" else name)
        return as_number(node) if numeric and name in TEXT else node

    def _children(self, node: Node, *, numeric: bool) -> Node:
        """Rewrite the expressions inside a CASE, comparison, BETWEEN, IN, COALESCE, AND, OR or NOT."""
        kind = node["class"]
        if kind == "CASE":
            checks = [
                check
                | {
                    "when_expr": self.rewrite(check["when_expr"]),
                    "then_expr": self.rewrite(check["then_expr"], numeric=numeric),
                }
                for check in node["case_checks"]
            ]
            return node | {"case_checks": checks, "else_expr": self.rewrite(node["else_expr"], numeric=numeric)}
        slots = [key for key in ("left", "right", "input", "lower", "upper") if key in node]
        children = node.get("children", [])
        operands = [*(node[key] for key in slots), *children]
        wanted = numeric and node["type"] in {"OPERATOR_COALESCE", "OPERATOR_TRY"}
        if kind in {"COMPARISON", "BETWEEN"} or node["type"] in {"COMPARE_IN", "COMPARE_NOT_IN"}:
            wanted = any(map(is_number, operands))
        changed: Node = {key: self.rewrite(node[key], numeric=wanted) for key in slots}
        if children:
            changed["children"] = [self.rewrite(child, numeric=wanted) for child in children]
        return node | changed


def _named(name: str) -> Node:
    return {"function_name": name, "qualified_name": {"path": [name]}}
