"""What each kind of destination takes: columns with their headings, forms of values, and rows in one file."""

from dataclasses import dataclass, field, replace

from regulars_workbench.export.columns import COLUMNS, Column, Facts

_FINITE = "if(isfinite({x}), {x}, null)"
_VALUES = {
    "text": "cast({x} as varchar)",
    "address": "{x}",
    "sentence": "concat(upper({x}[1]), {x}[2:], if({x} is null, '', '.'))",
    "sentences": "array_to_string(list_transform({x}, "
    "lambda reason: concat(upper(reason.text[1]), reason.text[2:], '.')), ' ')",
    "money": f"cast({_FINITE} as decimal(38, {{minor_units}}))",
    "share": f"cast({_FINITE} as decimal(38, 4))",
    "number": f"cast({_FINITE} as decimal(38, 2))",
    "count": "cast({x} as integer)",
    "day": "cast({x} as date)",
    "instant": "cast({x} as date)",
}


@dataclass(frozen=True)
class Layout:
    """What a destination takes; at most `most_rows` rows or `most_bytes` bytes go into one file or sheet."""

    columns: tuple[Column, ...]
    values: dict[str, str] = field(default_factory=dict)
    """SQL of the kinds that are written in another way than usual, with {x} for the column."""
    most_rows: int | None = None
    most_bytes: int | None = None
    is_upload: bool = False
    """A vendor takes the files: by e-mail address, and controls by action."""
    keeps_others: bool = False
    """Customers without an e-mail address get files of their own; else they are left out."""

    def value(self, column: Column, facts: Facts) -> str:
        """Return the SQL expression of a column's value."""
        return (_VALUES | self.values)[column.kind].format(x=column.name, minor_units=facts.minor_units)


def _named(prefix: str = "", *names: str) -> tuple[Column, ...]:
    """Return columns whose headings are their names; all of them unless some are asked for."""
    return tuple(
        replace(column, heading=f"{prefix}{column.name}") for column in COLUMNS if not names or column.name in names
    )


_HORIZON_IS_IN_HEADINGS = tuple(column for column in COLUMNS if column.name != "horizon_days")
_PERCENT = {"share": "cast(100 * if(isfinite({x}), {x}, null) as decimal(38, 1))"}
SHEET_ROWS = 1_048_575
"""Excel's rows of a sheet, less the headings."""

PEOPLE = Layout(_HORIZON_IS_IN_HEADINGS, values=_PERCENT)
WORKBOOK = replace(PEOPLE, most_rows=SHEET_ROWS)
PROGRAMS = Layout(_named(), values={"instant": "strftime({x}, '%Y-%m-%dT%H:%M:%SZ')"})
TABLE = Layout(_named(), values={"instant": "timezone('UTC', {x})"})

_PROPERTIES = _named(
    "regulars_",
    *("action", "arm", "expected_profit", "predicted_value", "churn_probability", "churn_risk", "segment"),
    *("next_order_at", "as_of"),
)
_EMAIL = Column("email", "Email", "address")
UPLOADS = {
    # https://help.klaviyo.com/hc/en-us/articles/115005078967: the first heading is Email, at most 50 MB a file.
    # https://developers.klaviyo.com/en/docs/sftp_import_tool: ExternalID identifies profiles without an address.
    "klaviyo": Layout(
        (_EMAIL, Column("customer_id", "ExternalID", "text"), *_PROPERTIES),
        most_bytes=48_000_000,
        is_upload=True,
        keeps_others=True,
    ),
    # https://knowledge.hubspot.com/import-and-export/set-up-your-import-file: one sheet, 1,048,576 rows a file, UTF-8.
    "hubspot": Layout(
        (_EMAIL, *_named("regulars_", "customer_id"), *_PROPERTIES),
        most_rows=SHEET_ROWS,
        is_upload=True,
    ),
    # https://support.google.com/google-ads/answer/7476159: heading Email, SHA-256 of the address in lower case.
    "google-ads": Layout((_EMAIL,), values={"address": "sha256({x})"}, is_upload=True),
}
"""The upload forms that `--as` knows."""
