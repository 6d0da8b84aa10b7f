"""Commands that answer: scores, plans, and the functions on this machine."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer
from regulars.bundle import Bundle
from regulars.features import parse_as_of
from regulars.sql import SqlFolder

from training import show
from training.commands.common import ROOT, SQL, AsOf, BundleFolder, Lake, MemoryLimit, connected


def score(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    *,
    bundle: BundleFolder,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="Parquet file to write")],
    top: Annotated[int, typer.Option(help="customers to print", min=0)] = 10,
    reasons: Annotated[int, typer.Option(help="reasons for each answer of value and churn", min=0, max=10)] = 3,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Score every customer of a lake: value, churn, segment, RFM."""
    from regulars.loader import ModelLoader
    from regulars.scoring import score as run

    connection = connected(memory_limit)
    opened = Bundle(bundle)
    moment = parse_as_of(as_of)
    if moment < opened.manifest.as_of:
        show.errors.print(
            f"note: the models were trained on time up to {opened.manifest.as_of:%Y-%m-%d}, "
            "so these scores are no forecast that could be judged"
        )
    scored = run(connection, lake, ModelLoader(opened), moment, out, reasons)
    show.proof(opened.manifest)
    if top:
        show.scores(connection, str(out), top)
    show.say(f"Wrote {out}: {scored:,} customers, bundle {opened.manifest.bundle}")


def plan(  # noqa: PLR0913 - one plain option each
    scores: Annotated[Path, typer.Argument(help="file made by score")],
    *,
    actions: Annotated[Path, typer.Option(help="TOML catalogue of actions; see docs/plan.md")],
    budget: Annotated[float, typer.Option(help="what the treated may cost together", min=0)],
    out: Annotated[Path | None, typer.Option(help="file to write: .parquet, or .csv")] = None,
    lake: Annotated[
        Path | None, typer.Option(help="its treatments say when the last one was; its orders the margin")
    ] = None,
    features: Annotated[Path | None, typer.Option(help="Parquet or CSV by customer_id, for the expressions")] = None,
    explain: Annotated[str | None, typer.Option(help="customer of whom to say why this action; writes no plan")] = None,
    json: Annotated[Path | None, typer.Option(help="file for all numbers")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of profit against budget to write")] = None,
    prices: Annotated[Path | None, typer.Option(help="price list to write, to decide single customers by")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Say who gets which action within a budget, what it costs and should bring, and who is held back to measure it."""
    from training.plan.command import Files, run

    files = Files(scores, actions, features, lake, out, json, picture, prices)
    with show.status("reading") as tell, connected(memory_limit) as connection:
        run(connection, files, SqlFolder(SQL), budget, explain, tell)


def publish(
    bundle: BundleFolder,
    prices: Annotated[Path, typer.Option(help="price list that `regulars plan --prices` wrote")],
    out: Annotated[Path, typer.Option(help="bundle folder to write; may be the same")],
) -> None:
    """Put a plan's prices into a bundle, so that POST /recommend decides by them."""
    from training.publish import publish as run

    written = run(Bundle(bundle), prices, out)
    show.say(f"Wrote {out}: bundle {written.manifest.bundle} recommends by {prices}")


def invoke(
    function: Annotated[str, typer.Argument(help="folder under functions/")],
    bundle: BundleFolder,
    event: Annotated[
        Path | None, typer.Option(help="event to send; the function's own event.json unless given")
    ] = None,
) -> None:
    """Run a Lambda function's own handler here, on an event, as `sam local invoke` does in a container."""
    from training.local import invoke as run

    os.environ["REGULARS_BUNDLE"] = str(bundle)
    answer = run(ROOT / "functions" / function, event)
    show.console.print_json(data=answer)
    if answer.get("statusCode", 0) >= HTTPStatus.BAD_REQUEST or answer.get("batchItemFailures"):
        raise typer.Exit(1)


def serve(
    bundle: BundleFolder,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1", min=1, max=65535)] = 8000,
) -> None:
    """Serve the functions' own routes on 127.0.0.1; docs/api.md tells how to call them."""
    import uvicorn
    from regulars.api import ROUTES, create_app

    os.environ["REGULARS_BUNDLE"] = str(bundle)
    Bundle(bundle).verify()
    show.say(f"http://127.0.0.1:{port}/v1/health, contract at /openapi.json (stop with Ctrl-C)")
    uvicorn.run(create_app(*ROUTES), host="127.0.0.1", port=port, log_level="warning")
