"""Stability of segments on one lake: `python benchmarks/segments.py LAKE AS_OF [AS_OF ...]`, oldest first.

At the first AS_OF, segments are fitted without a last bundle. They are fitted again with other seeds on shuffled
customers, with and without the first fit as last bundle. The result is the share of customers with the same name. Then
segments are fitted at each later AS_OF with the fit before as last bundle. The result is the share of customers with
the same segment under both models, beside independent fits (compared by name), and the names.
"""

import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from regulars.data import lake as lakes
from regulars.data.sql import SqlFolder, connect
from regulars.features.relations import make_features_learning
from regulars.features.table import FeatureTable
from regulars.instants import parse_as_of
from regulars_training.models.segment import SegmentModel
from regulars_training.models.segment_identity import LastSegments

SEEDS = range(1, 6)
SQL = Path(__file__).resolve().parents[1] / "sql"


def last(model: SegmentModel) -> LastSegments:
    """Return a model as the last bundle's segments."""
    return LastSegments.of("-", model.centroids, model.constants)


def same(left: SegmentModel, right: SegmentModel, table: FeatureTable) -> float:
    """Return the share of customers with the same segment name under both models."""
    first, second = (model.model.predict(table).columns["segment"] for model in (left, right))
    return float((first == second).mean())


def shuffled(table: FeatureTable, seed: int) -> FeatureTable:
    """Return the customers in another order."""
    order = np.random.default_rng(seed).permutation(len(table))
    return FeatureTable(table.customer_ids[order], {name: values[order] for name, values in table.columns.items()})


def main(lake: Path, moments: list[str]) -> None:
    """Fit, compare and print."""
    tables = []
    with connect("4GB", 2) as connection:
        lakes.attach(connection, lake)
        for moment in moments:
            make_features_learning(connection, SqlFolder(SQL), parse_as_of(moment))
            tables.append(FeatureTable.read(connection))
    model = SegmentModel(tables[0])
    anew = [same(model, SegmentModel(shuffled(tables[0], seed), seed=seed), tables[0]) for seed in SEEDS]
    kept = [
        same(model, SegmentModel(shuffled(tables[0], seed), last=last(model), seed=seed), tables[0]) for seed in SEEDS
    ]
    console = Console(width=130)
    console.print(f"{lake.name}, {len(SEEDS)} other seeds and orders, least share with the same name:", end=" ")
    console.print(f"{min(anew):.4f} anew, {min(kept):.4f} from the last")
    table = Table("as of", "customers", "from the last", "anew", "names")
    table.add_row(moments[0], f"{len(tables[0]):,}", "", "", ", ".join(model.names))
    alone = model
    for moment, customers in zip(moments[1:], tables[1:], strict=True):
        model = SegmentModel(customers, last=last(model))
        share = model.metrics(customers)["last"]["kept_share"]
        before, alone = alone, SegmentModel(customers)
        fresh = same(before, alone, customers)
        table.add_row(moment, f"{len(customers):,}", f"{share:.3f}", f"{fresh:.3f}", ", ".join(model.names))
    console.print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
