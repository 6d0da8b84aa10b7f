"""The command `regulars score`."""

from pathlib import Path
from typing import Annotated

import duckdb
import typer

from regulars.data.lake import attach
from regulars.instants import parse_as_of
from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.models.bundle_tables import show_proof
from regulars_workbench.cli.options import AsOf, BundleFolder, Lake, MemoryLimit, connected, refuse_ending


def score(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    *,
    bundle: BundleFolder,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="Parquet file to write")],
    top: Annotated[int, typer.Option(help="customers to print", min=0)] = 10,
    reasons: Annotated[int, typer.Option(help="reasons per prediction of value and churn", min=0, max=10)] = 3,
    allow_stale: Annotated[
        bool, typer.Option("--allow-stale", help="score although the newest order is older than the horizon")
    ] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Score every customer of a lake: value, churn, segment, RFM."""
    from regulars.models.loader import ModelLoader
    from regulars.scoring.freshness import check_freshness
    from regulars.scoring.score import score as run

    refuse_ending(out, ".parquet")
    connection = connected(memory_limit)
    opened = Bundle(bundle)
    moment = parse_as_of(as_of)
    if moment < opened.manifest.as_of:
        console.note(
            f"the models were trained on data up to {opened.manifest.as_of:%Y-%m-%d}, after this as_of; "
            "these scores are not a forecast on unseen time",
            "cyan",
            "note: ",
        )
    attach(connection, lake)
    for warning in check_freshness(connection, moment, opened.manifest.horizon_days, allow_stale=allow_stale):
        console.note(warning, "yellow", "warning: ")
    scored = run(connection, lake, ModelLoader(opened), moment, out, reasons)
    show_proof(opened.manifest)
    if top:
        _show_scores(connection, str(out), top)
    console.say(f"Wrote {out}: {scored:,} customers, bundle {opened.manifest.bundle}")


def _show_scores(connection: duckdb.DuckDBPyConnection, file: str, count: int) -> None:
    """Print the `count` customers of a score file with the highest predicted value."""
    query = """
        select customer_id, segment, predicted_value, churn_probability, churn_risk,
               concat(recency_score, frequency_score, monetary_score)
        from read_parquet($file) order by predicted_value desc, customer_id limit $count
    """
    rows = connection.execute(query, {"file": file, "count": count}).fetchall()
    heads = ("customer", "segment", ">predicted value", ">churn probability", "risk", "RFM")
    console.table(f"The {len(rows)} customers with the highest predicted value", heads, rows)
