"""A proxy between the function and the simulated S3 that can answer 503 or 403, wait, or cut connections."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

Trouble = Callable[[str, str], str]
"""From a request's method and path to its trouble: "" (none), "503", "403", "slow" or "cut"."""

HOP = {"connection", "transfer-encoding", "server", "date", "content-length"}
BUSY = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
ANSWERS = {"503": BUSY, "403": DENIED}


def _handler(target: str, trouble: Trouble) -> type[BaseHTTPRequestHandler]:
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            problem = trouble(self.command, self.path)
            if problem in ANSWERS:
                self._send(int(problem), {"Content-Type": "application/xml"}, ANSWERS[problem])
                return
            connection = http.client.HTTPConnection(host)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if problem == "slow":
                time.sleep(1)
            self._send(answer.status, dict(answer.getheaders()), content, cut=problem == "cut")

        def _send(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            length = headers.get("content-length", headers.get("Content-Length")) if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _any  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler


class Quiet(ThreadingHTTPServer):
    """A server that does not report closed connections."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Ignore cut connections: the proxy cuts them on purpose."""


@contextmanager
def proxy(target: str, trouble: Trouble) -> Iterator[str]:
    """Yield the address of a proxy of `target`."""
    server = Quiet(("127.0.0.1", 0), _handler(target, trouble))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
