"""What expressions may use: DuckDB's names of safe scalar functions and of syntax-tree nodes."""

from typing import Any

Node = dict[str, Any]
"""A node of DuckDB's syntax tree, as json_serialize_sql returns it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARITHMETIC = _words("+ - * / // % ** ^")
NUMERIC = _words("abs ceil ceiling exp floor ln log log10 mod pow power round sign sqrt trunc")
TEXT = _words(
    """
    ~~ !~~ ~~* !~~* ~~~ || concat concat_ws contains ends_with format ilike_escape left length like_escape lower lpad
    ltrim md5 not_ilike_escape not_like_escape position prefix printf regexp_extract regexp_full_match regexp_matches
    regexp_replace replace reverse right rpad rtrim split_part starts_with strip_accents strpos substr substring suffix
    translate trim upper
    """
)
INTERVALS = _words("to_days to_hours to_milliseconds to_minutes to_months to_seconds to_weeks to_years")
TIME = INTERVALS | _words(
    """
    date_add date_diff date_part date_sub date_trunc datediff datepart datetrunc day dayofweek dayofyear epoch epoch_ms
    epoch_ns epoch_us hour last_day make_date make_time make_timestamp make_timestamptz minute month quarter second
    strftime strptime timezone to_timestamp try_strptime week year
    """
)
PASSING = _words("greatest least nullif ifnull")
"""Functions that return one of their arguments: where the call must be a number, so must each argument."""

FUNCTIONS = ARITHMETIC | NUMERIC | TEXT | TIME | PASSING | _words("if list_value")
CLASSES = _words("BETWEEN CASE CAST COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION OPERATOR")
OPERATORS = _words(
    """
    ARRAY_EXTRACT ARRAY_SLICE COMPARE_IN COMPARE_NOT_IN OPERATOR_COALESCE OPERATOR_IS_NOT_NULL OPERATOR_IS_NULL
    OPERATOR_NOT OPERATOR_NULLIF OPERATOR_TRY
    """
)


def is_number(node: Node) -> bool:
    """Return whether the node is a number for any source: a literal, arithmetic or a numeric function."""
    if node["class"] == "CONSTANT":
        return bool(node["literal"]["kind"] in {"INTEGER", "DECIMAL", "FLOAT", "DOUBLE", "NUMERIC"})
    if node["class"] == "FUNCTION":
        arguments = [argument["expression"] for argument in node["arguments"]]
        name = node["function_name"].lower()
        return name in NUMERIC or (name in ARITHMETIC and not any(map(is_time, arguments)))
    return False


def is_time(node: Node) -> bool:
    """Return whether the node is a time or an interval, so that + and - with it are not arithmetic on numbers."""
    if node["class"] == "CAST":
        return str(node["type_expr"].get("type_name", "")).lower().startswith(("date", "time", "interval"))
    return node["class"] == "FUNCTION" and node["function_name"].lower() in INTERVALS | {"strptime", "try_strptime"}


PLACE: Node = {"query_location": 0, "query_location_length": 0}
DOUBLE: Node = PLACE | {
    "class": "TYPE",
    "type": "TYPE",
    "alias": "",
    "catalog": "",
    "schema": "",
    "type_name": "double",
}
DOUBLE["qualified_name"] = {"path": ["double"]}
DOUBLE["children"] = []


def as_number(node: Node) -> Node:
    """Return try_cast(node as double)."""
    cast: Node = {"class": "CAST", "type": "OPERATOR_CAST", "alias": "", "try_cast": True}
    return PLACE | cast | {"child": node, "type_expr": DOUBLE}
