"""The least that FastAPI behind Mangum can do: what every such function pays before it does anything."""

import asyncio

from fastapi import FastAPI
from mangum import Mangum

asyncio.set_event_loop(asyncio.new_event_loop())
app = FastAPI()


@app.post("/empty")
def empty() -> dict[str, str]:
    """Answer."""
    return {"status": "ok"}


handler = Mangum(app, lifespan="off")
