"""The purchase process on CDNOW beside the published constants: `python benchmarks/cdnow.py TRANSACTIONS.parquet`.

TRANSACTIONS holds the public 1/10 sample (`customer_id`, `order_ts`, `order_value`). As in the publications: time in
weeks, 39 weeks known, orders of one day are one order, spend is a customer's mean over repeat orders, no prior.
Sources: Pareto/NBD (Fader, Hardie & Lee 2005, "RFM and CLV", Journal of Marketing Research 42(4)) and
Gamma-Gamma (Fader & Hardie 2013, "The Gamma-Gamma Model of Monetary Value").
"""

import sys
from datetime import date
from math import inf
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from regulars_training.purchase_process import fit_spend, fit_timing

END = date(1997, 9, 30)
PUBLISHED = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669, "p": 6.25, "q": 3.74, "gamma": 15.44}


def main(transactions: Path) -> None:
    """Fit both models and print their constants beside the published ones."""
    days = (
        pl.read_parquet(transactions)
        .with_columns(day=pl.col("order_ts").cast(pl.Date))
        .filter(pl.col("day") <= END)
        .group_by("customer_id", "day")
        .agg(pl.col("order_value").sum())
        .with_columns(repeat=pl.col("day") > pl.col("day").min().over("customer_id"))
    )
    people = days.group_by("customer_id").agg(
        repeats=pl.col("repeat").sum(),
        last=(pl.col("day").max() - pl.col("day").min()).dt.total_days() / 7,
        age=(pl.lit(END) - pl.col("day").min()).dt.total_days() / 7,
        spend=pl.col("order_value").filter(pl.col("repeat")).mean(),
    )
    repeats, last, age = (people[name].to_numpy().astype(np.float64) for name in ("repeats", "last", "age"))
    spenders = people.filter((pl.col("repeats") > 0) & (pl.col("spend") > 0))
    columns = (spenders[name].to_numpy().astype(np.float64) for name in ("repeats", "spend"))
    fitted = (*fit_timing(repeats, last, age, inf), *fit_spend(*columns, inf))
    table = Table("constant", "fitted", "published", title=f"CDNOW, {len(people):,} customers, weeks and dollars")
    for (name, published), value in zip(PUBLISHED.items(), fitted, strict=True):
        table.add_row(name, f"{value:.3f}", f"{published:g}")
    Console(width=80).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
