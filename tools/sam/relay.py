"""Forward a port to a socket file: `python relay.py SOCKET PORT`, run in a container."""

import asyncio
import sys

CHUNK_BYTES = 1 << 16


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
    except ConnectionError:
        pass  # one side closed; now the other is closed too
    finally:
        target.close()


async def relay(path: str, port: int) -> None:
    """Listen until the container ends."""

    async def forward(requests: asyncio.StreamReader, responses: asyncio.StreamWriter) -> None:
        from_socket, to_socket = await asyncio.open_unix_connection(path)
        await asyncio.gather(_copy(requests, to_socket), _copy(from_socket, responses))

    server = await asyncio.start_server(forward, None, port)  # None: every address of the container
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1], int(sys.argv[2])))
