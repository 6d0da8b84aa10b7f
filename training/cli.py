"""The command line: `regulars`, or `python -m training`."""

import os
import sys
from http import HTTPStatus
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated

import duckdb
import typer
from regulars import __version__
from regulars.bundle import Bundle
from regulars.errors import RegularsError
from regulars.features import make_features, make_features_learning, parse_as_of, write_features
from regulars.lake import attach
from regulars.schema import NO_CURRENCY
from regulars.sql import SqlFolder, connect
from rich.text import Text

from training import show
from training.batch import cli as batch_cli
from training.measure.command import measure
from training.uplift.command import uplift

ROOT = Path(__file__).resolve().parents[1]
SQL = ROOT / "sql"
INSUFFICIENT = 3
"""Exit status of a check that did not pass; 1 and 2 are taken."""

app = typer.Typer(
    help="From your order log to a costed plan for keeping your customers.", no_args_is_help=True, add_completion=False
)

app.command()(batch_cli.batch)
app.command()(batch_cli.redrive)

Lake = Annotated[Path, typer.Argument(help="folder made by ingest or simulate")]
AsOf = Annotated[str, typer.Option(help="date or timestamp (UTC) at which to look; nothing at or after it is seen")]
BundleFolder = Annotated[Path, typer.Option(help="folder made by train")]
MemoryLimit = Annotated[str, typer.Option(help="what DuckDB may take before it spills to disk")]


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback for a flag
    if asked:
        show.say(f"regulars {__version__}")
        raise typer.Exit


app.command()(measure)
app.command()(uplift)


@app.callback()
def root(*, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """Options of every command."""


@app.command()
def ingest(
    sources: Annotated[list[Path], typer.Argument(help="CSV or Parquet files, or folders of them")],
    out: Annotated[Path, typer.Option(help="lake folder to write")],
    map_file: Annotated[
        Path | None, typer.Option("--map", help="TOML that says which column is which; see docs/data-contract.md")
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code, where no map says it")] = NO_CURRENCY,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Read your own files into a lake: every row is kept, or rejected with its reason."""
    from regulars.ingest.mapping import CONTRACT, load, parse
    from regulars.ingest.run import ingest as run

    mapping = load(map_file) if map_file else CONTRACT
    if mapping.currency == NO_CURRENCY:
        mapping = mapping.model_copy(update={"currency": parse({"currency": currency}, "--currency").currency})
    with show.status("reading") as tell, _connect(memory_limit) as connection:
        report = run(sources, out, mapping=mapping, sql=SqlFolder(SQL), connection=connection, progress=tell)
    show.ingested(report)
    show.say(f"Wrote {out}")


@app.command()
def check(
    lake: Lake,
    *,
    horizon: Annotated[int, typer.Option(help="days ahead that training is meant for", min=7, max=730)] = 90,
    as_of: Annotated[
        str | None, typer.Option(help="date or timestamp (UTC) to train at; else the midnight after the last order")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="file for the report as JSON; - prints only that")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG of the churn horizon to write")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Say what is in a lake, what is odd, and whether history suffices for the horizon.

    Exit status: 0 when it does and no finding is an error, 3 when not, 2 when the lake can not be read.
    """
    from training.check.run import check as run
    from training.check.show import deliver

    with show.status("reading") as tell, _connect(memory_limit) as connection:
        moment = parse_as_of(as_of) if as_of else None
        report, curve = run(connection, lake, SqlFolder(SQL), horizon_days=horizon, as_of=moment, tell=tell)
    deliver(report, curve, json, picture)
    if not report.passed:
        raise typer.Exit(INSUFFICIENT)


@app.command()
def simulate(  # noqa: PLR0913 - one plain option each
    lake: Annotated[Path, typer.Argument(help="folder to write, or with --check to read")],
    *,
    customers: Annotated[int, typer.Option(help="customers to make")] = 10_000,
    years: Annotated[float, typer.Option(help="length of the log")] = 3,
    seed: Annotated[int, typer.Option(help="same seed, same rows")] = 7,
    as_of: Annotated[str | None, typer.Option(help="day at which the log ends; else it starts on 2023-07-01")] = None,
    shop: Annotated[str, typer.Option(help="grocery, fashion or subscription-like")] = "grocery",
    top_share: Annotated[float | None, typer.Option(help="revenue share of the best fifth of the buyers")] = None,
    chunk: Annotated[int, typer.Option(help="customers to a file; the rows stay the same", min=1)] = 20_000,
    warts: Annotated[
        bool, typer.Option("--warts", help="also write warts/: raw exports full of planted trouble")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="measure a simulated lake against what was asked for")] = False,
) -> None:
    """Make a synthetic shop: heavy-tailed spend, seasons, campaigns, and the truth of each customer in truth/."""
    if check:
        raise typer.Exit(_check(lake))
    from training.simulate import simulate as make

    with show.progress(customers) as advance:
        info = make(
            lake,
            customers=customers,
            years=years,
            seed=seed,
            as_of=parse_as_of(as_of).date() if as_of else None,
            shop=shop,
            top_share=top_share,
            chunk=chunk,
            warts=warts,
            progress=lambda done: advance("customers", done),
        )
    rows = [(name, one.rows, f"{one.first:%Y-%m-%d}", f"{one.last:%Y-%m-%d}") for name, one in info.tables.items()]
    show.table(f"Lake {lake}", ("table", ">rows", "first", "last"), rows)


def _check(lake: Path) -> int:
    """Show what a simulated lake is like beside what was asked; return the exit status."""
    from training.world.check import check

    with show.status("measuring") as tell, _connect("1GB") as connection:
        found = check(connection, lake, tell)
    show.checked(found)
    return int(not all(one.passed for one in found))


@app.command()
def train(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    *,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="bundle folder to write")],
    horizon: Annotated[int, typer.Option(help="days ahead that value and churn are about", min=1, max=730)] = 90,
    segments: Annotated[int, typer.Option(help="number of segments", min=2, max=8)] = 5,
    last_bundle: Annotated[
        Path | None,
        typer.Option(help="bundle in use: not to lose to, and whose segments keep ids and names; else that at --out"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="write to --out even what lost")] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Train every task on what was known before --as-of, judge it on held-out time, and write the bundle.

    One that lost, to a baseline or to the bundle in use, replaces none: it is kept beside --out, with exit status 1.
    """
    from training import train as run

    with show.progress(run.STEPS) as advance:
        bundle = run.train(
            _connect(memory_limit),
            lake,
            SqlFolder(SQL),
            as_of=parse_as_of(as_of),
            horizon_days=horizon,
            out=out,
            segments=segments,
            last_bundle=last_bundle,
            force=force,
            advance=advance,
        )
    show.manifest(bundle.manifest)
    show.say(f"Wrote {bundle.path}")
    if bundle.path != out:
        show.errors.print(f"lost: {out} is as it was; --force writes such a bundle there", soft_wrap=True)
        raise typer.Exit(1)


@app.command()
def backtest(
    source: Annotated[Path, typer.Argument(help="lake; with --protocol the dataset's own file or folder")],
    *,
    horizon: Annotated[int, typer.Option(help="days ahead that are judged", min=1, max=730)] = 90,
    cutoffs: Annotated[list[str] | None, typer.Option(help="moments to judge at; else the newest three")] = None,
    protocol: Annotated[Path | None, typer.Option(help="TOML with columns, cutoff and horizon")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="file for all numbers")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Judge the models on past time that they had not seen, beside what a sceptic would use instead."""
    from training import show_backtest
    from training.judged import judged

    moments = [parse_as_of(one) for one in cutoffs or ()]
    with show.status("reading") as tell:
        found = judged(
            _connect(memory_limit),
            source,
            SqlFolder(SQL),
            horizon_days=horizon,
            moments=moments,
            protocol_file=protocol,
            tell=tell,
        )
    show_backtest.results(found)
    if json_file:
        show_backtest.write(found, json_file)


@app.command()
def models(bundle: Annotated[Path, typer.Argument(help="folder made by train")]) -> None:
    """Show a bundle: what it is, how good it was, and that every file is the one that training wrote."""
    opened = Bundle(bundle)
    opened.verify()
    show.manifest(opened.manifest)
    rows = [(name, entry.bytes, entry.sha256[:12]) for name, entry in opened.manifest.files.items()]
    show.table("Files (all verified)", ("file", ">bytes", "SHA-256"), rows)


@app.command()
def features(
    lake: Lake,
    as_of: AsOf,
    out: Annotated[Path, typer.Option(help="Parquet file to write")],
    bundle: Annotated[Path | None, typer.Option(help="use its SQL and cut points; else they are learnt here")] = None,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Write the feature table alone: one row per customer with an order before --as-of."""
    connection = _connect(memory_limit)
    attach(connection, lake)
    moment = parse_as_of(as_of)
    if bundle:
        opened = Bundle(bundle)
        make_features(connection, opened.sql, moment, opened.cut_points)
    else:
        make_features_learning(connection, SqlFolder(SQL), moment)
    rows = write_features(connection, moment, out)
    show.say(f"Wrote {out}: {rows:,} customers as of {moment:%Y-%m-%d %H:%M}Z")


@app.command()
def describe(  # noqa: PLR0913 - one plain option each
    lake: Lake,
    as_of: AsOf,
    *,
    bundle: Annotated[
        Path | None, typer.Option(help="use its segments, value and churn; else segments are RFM's")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder to write: CSV, Parquet and a page of pictures")] = None,
    lost_after: Annotated[int, typer.Option(help="whole months without an order that make a lost customer", min=1)] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON instead of tables")] = False,
    memory_limit: MemoryLimit = "4GB",
) -> None:
    """Say what happened before --as-of: revenue, customers by month, cohorts, RFM, segments, repeat orders."""
    from training.describe.run import describe as run

    with show.status("reading") as tell, _connect(memory_limit) as connection:
        run(
            connection,
            lake,
            SqlFolder(SQL),
            parse_as_of(as_of),
            lost_after_months=lost_after,
            bundle=Bundle(bundle) if bundle else None,
            out=out,
            as_json=as_json,
            tell=tell,
        )


@app.command()
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

    connection = _connect(memory_limit)
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


@app.command()
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
    with show.status("reading") as tell, _connect(memory_limit) as connection:
        run(connection, files, SqlFolder(SQL), budget, explain, tell)


@app.command()
def publish(
    bundle: BundleFolder,
    prices: Annotated[Path, typer.Option(help="price list that `regulars plan --prices` wrote")],
    out: Annotated[Path, typer.Option(help="bundle folder to write; may be the same")],
) -> None:
    """Put a plan's prices into a bundle, so that POST /recommend decides by them."""
    from training.publish import publish as run

    written = run(Bundle(bundle), prices, out)
    show.say(f"Wrote {out}: bundle {written.manifest.bundle} recommends by {prices}")


@app.command()
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


@app.command()
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


def _connect(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB on every core, which spills to the system's temporary folder."""
    return connect(memory_limit, os.cpu_count() or 1, Path(gettempdir()) / "regulars")


def _said(error: Exception) -> str:
    """Return the message of an error that a user can act on."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "DuckDB reached its memory limit; give more with --memory-limit"
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    return str(error).partition("\n")[0]


def main() -> None:
    """Run the command line; an error of the user's world is one line on standard error and exit status 2."""
    try:
        app(prog_name="regulars")
    except (RegularsError, duckdb.Error, OSError) as error:
        show.errors.print(Text.assemble(("error: ", "red"), _said(error)), soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        if "interrupted" not in str(error):  # what DuckDB makes of Ctrl-C during a query
            raise
        sys.exit(130)
