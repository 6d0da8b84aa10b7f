"""Hand on what comes to a port to a socket file: `python relay.py SOCKET PORT`, run in a container of its own."""

import asyncio
import sys

PIECE = 1 << 16


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()
    except ConnectionError:
        pass  # one side hung up: so shall the other
    finally:
        target.close()


async def relay(path: str, port: int) -> None:
    """Listen until the container ends."""

    async def hand_on(asks: asyncio.StreamReader, hears: asyncio.StreamWriter) -> None:
        answers, told = await asyncio.open_unix_connection(path)
        await asyncio.gather(_copy(asks, told), _copy(answers, hears))

    server = await asyncio.start_server(hand_on, None, port)  # None: every address that its container has
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1], int(sys.argv[2])))
