"""Models against the truth of a world: `python benchmarks/truth.py LAKE SCORES`.

LAKE is made by `regulars simulate`, SCORES by `regulars train LAKE --as-of END --horizon 90` and `regulars
score`, both at the instant where the log ends. Prints, by tenths of the predicted churn probability, the mean
prediction beside the mean true probability of no order within 90 days; and how much of the truly expected
value the best tenth holds.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

TENTHS = 10


def main(lake: Path, scores: Path) -> None:
    """Join scores and truth and print both tables."""
    console = Console(width=100)
    told = pl.read_parquet(scores).join(pl.read_parquet(lake / "truth" / "value" / "*.parquet"), on="customer_id")
    predicted, true = (told[name].to_numpy() for name in ("churn_probability", "true_no_order_90d"))
    table = Table("tenth", "customers", "predicted", "true", title=f"Churn in 90 days, {len(told):,} customers")
    for number, part in enumerate(np.array_split(np.argsort(predicted), TENTHS), start=1):
        cells = (f"{len(part):,}", f"{predicted[part].mean():.3f}", f"{true[part].mean():.3f}")
        table.add_row(str(number), *cells)
    table.add_row("all", f"{len(told):,}", f"{predicted.mean():.3f}", f"{true.mean():.3f}")
    console.print(table)
    console.print(f"correlation of predicted and true churn probability: {np.corrcoef(predicted, true)[0, 1]:.3f}")
    value, worth = told["predicted_value"].to_numpy(), told["true_value_90d_cents"].to_numpy()
    best = len(told) // TENTHS
    held = worth[np.argsort(-value)[:best]].sum() / worth[np.argsort(-worth)[:best]].sum()
    console.print(f"expected value held by the best tenth by prediction, over the true best tenth's: {held:.3f}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
