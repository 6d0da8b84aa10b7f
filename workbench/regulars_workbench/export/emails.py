"""E-mail addresses of customers: the id itself where it is one, else a file's."""

from pathlib import Path

import duckdb

from regulars.data.paths import exactly
from regulars.data.sql import literal
from regulars.errors import SourceError
from regulars.text import near

_MIDDLE = r"""[^\s@,;:<>()\[\]\\"]"""
ADDRESS = rf"^[\pL\pN_]{_MIDDLE}*@{_MIDDLE}+\.[\pL\pN-]{{2,}}$"
"""One address. It begins with a letter or digit, so that no spreadsheet takes it for a formula."""


def attach_emails(connection: duckdb.DuckDBPyConnection, file: Path | None) -> None:
    """Make `customer_emails` (customer_id, email) for customers of `scored` who have an address.

    Addresses are trimmed and in lower case. SourceError when the file has not the two columns, or two addresses of one
    customer.
    """
    query = "select customer_id, customer_id as email from scored"
    if file:
        _read(connection, file)
        query = f"select customer_id, if({_is_address('customer_id')}, customer_id, f.email) as email "
        query += "from scored left join emails_of_file f using (customer_id)"
    connection.execute(
        "create or replace temp table customer_emails as select customer_id, lower(trim(email)) as email "
        f"from ({query}) where {_is_address('email')}"
    )


def _is_address(column: str) -> str:
    return f"regexp_matches(trim({column}), {literal(ADDRESS)})"


def _read(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    if not file.is_file():
        raise SourceError(f"no file at {file}; name a CSV or Parquet file with customer_id and email")
    is_parquet = file.suffix.lower() == ".parquet"
    relation = f"read_parquet({exactly(file)})" if is_parquet else f"read_csv({exactly(file)}, all_varchar = true)"
    try:
        columns = [str(row[0]) for row in connection.execute(f"describe select * from {relation}").fetchall()]
        for name in ("customer_id", "email"):
            if name not in columns:
                raise SourceError(f"{file}: no column {name}; {near(name, columns)}")
        connection.execute(
            "create or replace temp table emails_of_file as "
            "select distinct cast(customer_id as varchar) as customer_id, cast(email as varchar) as email "
            f"from {relation} where email is not null"
        )
    except duckdb.Error as error:
        raise SourceError(f"{file} is not readable: {str(error).splitlines()[0]}") from error
    twice = "select customer_id from emails_of_file group by all having count(*) > 1 order by 1 limit 1"
    for (customer,) in connection.execute(twice).fetchall():
        raise SourceError(f"{file}: customer {customer} has two addresses; keep one row for each customer")
