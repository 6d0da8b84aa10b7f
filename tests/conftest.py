"""What the tests share: one small simulated lake, the bundle trained on it, and a way to call the functions."""

import gc
import json
import runpy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from regulars.actions.catalogue import load
from regulars.actions.shadow_prices import ShadowPrices
from regulars.api import online
from regulars.batch.storage import source
from regulars.data.sql import SqlFolder, connect
from regulars.models import loader as loaders
from regulars.models.bundle import Bundle
from regulars.models.loader import ModelLoader
from regulars.settings import settings
from regulars_workbench.invoke import LocalContext
from tests.postgres import postgres
from tests.shared import made_once

__all__ = ["postgres"]

ROOT = Path(__file__).parents[1]
AS_OF = datetime(2025, 7, 1, tzinfo=UTC)
"""The end of the simulated lake, and the instant that the bundle is trained at."""

Call = Callable[..., tuple[int, dict[str, Any]]]


@pytest.hookimpl(tryfirst=True)  # before the plugin of hypothesis reads the option
def pytest_configure(config: pytest.Config) -> None:
    """Add the profile of `make test-nightly`, when it is asked for."""
    if config.getoption("--hypothesis-profile") == "nightly":
        from hypothesis import settings

        settings.register_profile("nightly", max_examples=10_000, deadline=None)


def pytest_unconfigure() -> None:
    """Remove the collector's callback of hypothesis: it keeps all modules alive, which DuckDB reports as leaks."""
    gc.callbacks.clear()


@pytest.fixture(scope="session")
def sql() -> SqlFolder:
    """The repository's SQL."""
    return SqlFolder(ROOT / "sql")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB as every part of the system opens it."""
    with connect("1GB", 1) as opened:
        yield opened


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two years of 1,500 customers, up to AS_OF; read only."""
    from regulars_workbench.simulator.simulate import simulate

    def make(folder: Path) -> None:
        simulate(folder / "lake", customers=1_500, years=2, seed=7)

    return made_once(tmp_path_factory, "world", make) / "lake"


@pytest.fixture(scope="session")
def bundle_folder(lake: Path, sql: SqlFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained on the lake, with the shadow prices of a plan; read only."""
    return made_once(tmp_path_factory, "trained", lambda folder: _train(lake, sql, folder / "bundle")) / "bundle"


def _train(lake: Path, sql: SqlFolder, out: Path) -> None:
    from threadpoolctl import threadpool_limits

    from regulars_training.export.publish import publish
    from regulars_training.train import train

    with connect("1GB", 1) as opened, threadpool_limits(1):  # idle threads would spin on the cores of other work
        train(opened, lake, sql, as_of=AS_OF, horizon_days=90, out=out)
    prices = out.parent / "prices.json"
    listed = ShadowPrices(
        as_of=AS_OF,
        horizon_days=90,
        margin=0.3,
        catalogue=load(ROOT / "examples" / "actions.toml"),
        budget=0.5,
        actions={"voucher": 20.0},
    )
    prices.write_text(listed.model_dump_json(), encoding="utf-8")
    publish(Bundle(out), prices, out)


@pytest.fixture
def bundle(bundle_folder: Path) -> Bundle:
    """The trained bundle, freshly opened."""
    return Bundle(bundle_folder)


@pytest.fixture
def loader(bundle: Bundle) -> ModelLoader:
    """A loader that has opened nothing yet."""
    return ModelLoader(bundle)


def forget_process() -> None:
    """Make the next call a cold start: settings, loader and database are this process's, made when first asked."""
    online.forget()
    for cached in (settings, loaders._process_loader, source.client):  # noqa: SLF001 - a new process
        cached.cache_clear()


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A process without any state or REGULARS_ variable; sets variables through the returned monkeypatch."""
    for name in ("BUNDLE", "MAX_CUSTOMERS", "MEMORY_LIMIT", "THREADS", "OUTPUT_BUCKET", "DEAD_LETTERS"):
        monkeypatch.delenv(f"REGULARS_{name}", raising=False)
    monkeypatch.setenv("REGULARS_TEMP_DIRECTORY", str(tmp_path / "spill"))
    forget_process()
    yield monkeypatch
    forget_process()


@pytest.fixture
def call(cold: pytest.MonkeyPatch, bundle_folder: Path) -> Call:
    """Call a function's own handler: `call("churn", {...})` posts, `call("churn", path="/health")` gets.

    `to` is another path to post to, `query` the query string, `headers` go beside those of the event.
    """
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))
    handlers: dict[str, Any] = {}

    def send(
        function: str,
        body: Any = None,
        path: str | None = None,
        *,
        to: str | None = None,
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        if function not in handlers:
            handlers[function] = runpy.run_path(str(ROOT / "functions" / function / "app.py"))["handler"]
        sent = event(function, body, path)
        sent |= {"rawQueryString": query, "headers": sent["headers"] | (headers or {})}
        sent["requestContext"]["http"]["path"] = to or path or sent["rawPath"]
        answer = handlers[function](sent, LocalContext(function))
        return answer["statusCode"], answer | {"json": json.loads(answer["body"] or "null")}

    return send


def event(function: str, body: Any, path: str | None = None) -> dict[str, Any]:
    """Return the function's own event.json with another body; with a path it is a GET."""
    sent: dict[str, Any] = json.loads((ROOT / "functions" / function / "event.json").read_bytes())
    sent["body"] = body if isinstance(body, str) or body is None else json.dumps(body)
    if path:
        sent |= {"rawPath": path, "routeKey": f"GET {path}"}
        sent["requestContext"]["http"] |= {"method": "GET", "path": path}
    return sent


@pytest.fixture
def customer() -> dict[str, Any]:
    """One good customer of a request."""
    return {"customer_id": "good", "orders": [{"ordered_at": "2025-05-01T10:00:00Z", "order_value": 42.5}]}
