"""The minimal FastAPI function behind Mangum: the fixed cost of every such function."""

import asyncio

from fastapi import FastAPI
from mangum import Mangum

asyncio.set_event_loop(asyncio.new_event_loop())
app = FastAPI()


@app.post("/empty")
def empty() -> dict[str, str]:
    """Return a constant."""
    return {"status": "ok"}


handler = Mangum(app, lifespan="off")
