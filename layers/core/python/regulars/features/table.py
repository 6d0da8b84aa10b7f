"""The features of many customers as arrays."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import duckdb
import numpy as np
import numpy.typing as npt

from regulars.arrays import FloatArray


@dataclass(frozen=True)
class FeatureTable:
    """Features of n customers: their ids, and a float64 array of shape (n,) per column, NaN for null.

    `as_of` is the instant of the features, where an answer needs it.
    """

    customer_ids: npt.NDArray[np.object_]
    columns: Mapping[str, FloatArray]
    as_of: datetime | None = None
    derived: dict[Hashable, "FeatureTable"] = field(default_factory=dict, compare=False, repr=False)
    """Cache of tables computed from this one, by the parameters of the computation."""

    def __getitem__(self, rows: slice) -> Self:
        """Return the features of some of the customers."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, customer_ids=self.customer_ids[rows], columns=columns, derived={})

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.customer_ids)

    def matrix(self, names: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the named columns as float32, as the models read them; shape (n, names)."""
        return np.stack([self.columns[name].astype(np.float32) for name in names], axis=1)

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, relation: str = "customer_features") -> Self:
        """Fetch a relation with `customer_id` and numeric columns, sorted by customer_id."""
        return cls.fetch(connection.execute(f"select * from {relation} order by customer_id"))

    @classmethod
    def fetch(cls, result: duckdb.DuckDBPyConnection) -> Self:
        """Fetch the result of a query with `customer_id` and numeric columns."""
        fetched = result.fetchnumpy()
        ids = np.asarray(fetched.pop("customer_id"), dtype=object)
        return cls(ids, {name: _floats(values) for name, values in fetched.items()})


def _floats(values: Any) -> FloatArray:  # noqa: ANN401 - an array or a masked array of any number
    floats: FloatArray = np.ma.getdata(values).astype(np.float64)
    mask = np.ma.getmask(values)
    if mask is not np.ma.nomask:
        floats[mask] = np.nan
    return floats
