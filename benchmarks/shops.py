"""Real shops, from their own files to scores, evaluated on the time after: `python benchmarks/shops.py FOLDER`.

FOLDER holds `online_retail_2/raw_lines.parquet` and `cdnow_sample/transactions.parquet` (see benchmarks/README.md for
the sources). Prints the time of each command, and the metrics of the scores on the time after `as_of`, beside the last
period carried forward and the mean.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from regulars.data.lake import attach
from regulars.data.sql import SqlFolder, connect
from regulars.features.relations import make_base
from regulars.features.table import FeatureTable
from regulars.instants import as_of_params, parse_as_of
from regulars_training.metrics import churn_metrics, value_metrics

ROOT = Path(__file__).parents[1]
SHOPS = {
    "online_retail_2": ("raw_lines.parquet", "2011-06-10", 183),
    "cdnow_sample": ("transactions.parquet", "1997-10-01", 273),
}


def seconds(run: Callable[..., object], *arguments: str) -> float:
    """Return the seconds of `run(*arguments)`."""
    start = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - start


def run(*arguments: str) -> None:
    """Run Python in a new process."""
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT)  # noqa: S603 - our own command


def regulars(*arguments: str) -> None:
    """Run a `regulars` command."""
    run("-m", "regulars", *arguments)


def polars_invoices(source: Path, out: Path) -> None:
    """Make the same invoices by a Polars script for this one file, without rejects."""
    number = pl.col("Quantity").cast(pl.Float64) * pl.col("Price").cast(pl.Float64)
    product = ~pl.col("StockCode").str.to_uppercase().str.contains(
        "^(POST|DOT|M|C2|C3|D|S|B|ADJUST.*|BANK CHARGES|AMAZONFEE|CRUK|TEST.*|GIFT.*)$"
    )
    kept = pl.col("Customer ID").is_not_null() & product & (pl.col("Price").cast(pl.Float64) > 0)
    (
        pl.scan_parquet(source)
        .filter(kept)
        .with_columns(
            customer_id=pl.col("Customer ID").str.replace(r"\.0$", ""),
            ordered_at=pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S"),
            cents=(number * 100).round().cast(pl.Int64),
            is_return=pl.col("Invoice").str.starts_with("C"),
        )
        .group_by("customer_id", "Invoice", "is_return")
        .agg(pl.col("ordered_at").min(), pl.col("cents").sum())
        .sort("customer_id", "ordered_at", "Invoice")
        .sink_parquet(out)
    )


def evaluate(lake: Path, scores: Path, as_of: str, horizon: int) -> list[tuple[str, dict[str, float]]]:
    """Return the metrics of the scores and of two baselines, on the sales after `as_of`."""
    sql, moment = SqlFolder(ROOT / "sql"), parse_as_of(as_of)
    span = timedelta(days=horizon)
    with connect() as connection:
        attach(connection, lake)
        make_base(connection, sql, moment)

        def window(name: str, start: int) -> FeatureTable:
            params = {
                "as_of": as_of_params(moment + start * span),
                "label_end": as_of_params(moment + (start + 1) * span),
            }
            sql.materialise(connection, [name], {key: value["as_of"] for key, value in params.items()})
            return FeatureTable.read(connection, name)

        actual, before = window("future", 0), window("future", -1)
    predicted = pl.read_parquet(scores).sort("customer_id")
    value = actual.columns["future_value_cents"] / 100
    last = before.columns["future_value_cents"] / 100
    churn = churn_metrics(actual.columns["future_orders"] == 0, predicted["churn_probability"].to_numpy())
    return [
        ("Regulars", value_metrics(value, predicted["predicted_value"].to_numpy()) | churn),
        ("last period carried forward", value_metrics(value, last)),
        ("mean of the last period", value_metrics(value, np.full(len(value), last.mean()))),
    ]


def main() -> None:
    """Run both shops and print two tables."""
    data = Path(sys.argv[1]).resolve()
    times, quality = Table(title="Seconds, whole commands"), Table(title="Unseen time after as_of")
    for head in (
        "shop",
        "rows read",
        "kept",
        "rejected",
        "ingest",
        "train",
        "score",
        "Polars script",
        "ingest / Polars",
    ):
        times.add_column(head, justify="right")
    measures = ("rmse", "mae", "gini", "top_decile_share", "bias_percent", "roc_auc", "pr_auc", "brier")
    for head in ("shop", "model", *measures):
        quality.add_column(head, justify="right")
    for shop, (file, as_of, horizon) in SHOPS.items():
        with TemporaryDirectory() as folder:
            lake, bundle, scores = (Path(folder) / name for name in ("lake", "bundle", "scores.parquet"))
            source, mapping = data / shop / file, ROOT / "examples" / "maps" / f"{shop.removesuffix('_sample')}.toml"
            at, into = ("--as-of", as_of), ("--out", str(bundle))
            ingest = seconds(regulars, "ingest", str(source), "--map", str(mapping), "--out", str(lake))
            train = seconds(regulars, "train", str(lake), *at, "--horizon", str(horizon), *into)
            score = seconds(regulars, "score", str(lake), "--bundle", str(bundle), *at, "--out", str(scores))
            peer = ratio = "-"
            if "raw" in file:
                took = seconds(run, "benchmarks/shops.py", "--peer", str(source), f"{folder}/peer.parquet")
                peer, ratio = f"{took:.1f}", f"{ingest / took:.1f}"
            report = json.loads((lake / "ingest_report.json").read_bytes())
            counts = [f"{report[f'rows_{name}']:,}" for name in ("read", "kept", "rejected")]
            times.add_row(shop, *counts, *(f"{wall:.1f}" for wall in (ingest, train, score)), peer, ratio)
            for model, metrics in evaluate(lake, scores, as_of, horizon):
                quality.add_row(
                    shop, model, *(f"{metrics[name]:,.3f}" if name in metrics else "-" for name in measures)
                )
    Console(width=160).print(times, quality)


if __name__ == "__main__":
    if sys.argv[1] == "--peer":
        polars_invoices(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
