"""The command `regulars serve`."""

import os
from typing import Annotated

import typer

from regulars.models.bundle import Bundle
from regulars_workbench import console
from regulars_workbench.cli.options import BundleFolder


def serve(
    bundle: BundleFolder,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1", min=1, max=65535)] = 8000,
) -> None:
    """Serve the HTTP API on 127.0.0.1; docs/api.md describes the routes."""
    import uvicorn

    from regulars.api.app import ROUTES, create_app

    os.environ["REGULARS_BUNDLE"] = str(bundle)
    Bundle(bundle).verify()
    console.say(f"http://127.0.0.1:{port}/v1/health, contract at /openapi.json (stop with Ctrl-C)")
    uvicorn.run(create_app(*ROUTES), host="127.0.0.1", port=port, log_level="warning")
