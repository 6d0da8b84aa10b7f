"""Ready features of a request: checked column by column, and arranged as the SQL makes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from regulars.api.contract.customers import ReadyCustomer
from regulars.api.requests.check import MANY, NAME
from regulars.data.schema import CUSTOMERS
from regulars.features.columns import FeatureColumn, feature_columns
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle

ID = CUSTOMERS.columns[0].name
NAN = float("nan")


@dataclass(frozen=True)
class ReadyColumns:
    """The columns of a bundle's feature table, and those that a caller must send."""

    columns: dict[str, FeatureColumn]
    needed: frozenset[str]

    @classmethod
    def of(cls, bundle: Bundle) -> "ReadyColumns":
        """Return the columns of a bundle. Its manifest names those that are needed; the others are RFM scores."""
        columns = {column.name: column for column in feature_columns(bundle.sql) if column.name != ID}
        return cls(columns, frozenset(bundle.manifest.features) & set(columns))

    def fault(self, customer: ReadyCustomer, also: Sequence[str] = ()) -> str | None:
        """Return which features are unknown, missing or invalid; None when all are good. `also` are needed, too."""
        sent = customer.features
        missing = (self.needed | set(also)) - set(sent)
        unknown = sorted(name if NAME.fullmatch(name) else "(a name)" for name in set(sent) - set(self.columns))
        faults = [f"features.{name}: no column of the bundle" for name in unknown]
        faults += [f"features.{name}: missing" for name in self.columns if name in missing]
        for name, column in self.columns.items():
            wrong = column.fault(sent[name]) if name in sent else None
            faults += [f"features.{name}: {wrong}"] if wrong else []
        more = f"; and {len(faults) - MANY} more" if len(faults) > MANY else ""
        return "; ".join(faults[:MANY]) + more if faults else None

    def table(self, customers: Sequence[ReadyCustomer], as_of: datetime) -> FeatureTable:
        """Return good customers' features, one row each, in the order given; NaN for null or absent."""
        ids = np.array([customer.customer_id for customer in customers], dtype=object)
        return FeatureTable(ids, {name: _values(customers, name) for name in self.columns}, as_of)


def _values(customers: Sequence[ReadyCustomer], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = (customer.features.get(name) for customer in customers)
    return np.array([NAN if value is None else value for value in values], dtype=np.float64)


def stacked(tables: Sequence[FeatureTable]) -> FeatureTable:
    """Return the rows of all tables as one; they have the same columns."""
    if len(tables) == 1:
        return tables[0]
    columns = {name: np.concatenate([table.columns[name] for table in tables]) for name in tables[0].columns}
    return replace(tables[0], customer_ids=np.concatenate([table.customer_ids for table in tables]), columns=columns)
