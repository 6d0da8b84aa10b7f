"""A real PostgreSQL for tests. `tests/conftest.py` imports the fixture `postgres`, so every test can ask for it."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

USER = "regulars"
DATABASE = "postgres"
DEBIAN = Path("/usr/lib/postgresql")
START_SECONDS = 30
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
"""Settings of a server whose data nobody needs after the tests."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL, which asks every client for its password."""

    programs: Path
    port: int
    sockets: Path
    """Folder of the Unix socket, which may stand for the host."""
    password: str

    def url(self, rest: str = DATABASE) -> str:
        """Return the URL without the password; `rest` follows the first slash: database, table, settings."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{rest}"

    def sql(self, query: str) -> list[list[str]]:
        """Run SQL and return its rows as text; a null is an empty text."""
        environment = {**os.environ, "PGPASSWORD": self.password}
        command: list[str | Path] = [
            self.programs / "psql",
            "-XqAt",
            "-F",
            "\x1f",
            "-v",
            "ON_ERROR_STOP=1",
            self.url(),
            "-c",
            query,
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
        assert done.returncode == 0, done.stderr
        return [line.split("\x1f") for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Start a PostgreSQL on 127.0.0.1 and a Unix socket, and stop it at the end. Skip where it is not installed."""
    programs = _programs()
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="regulars-pg-"))  # short: a socket's path has at most 107 characters
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        with _running(programs, folder, account) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs: Debian's newest version, or that of the path."""
    versions = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("postgres")
    if not versions and not on_path:
        pytest.skip("PostgreSQL is not installed; run `make postgres` as root, or install its server yourself")
    return versions[-1].parent if versions else Path(str(on_path)).parent


def _account() -> pwd.struct_passwd | None:
    """Return whom PostgreSQL runs as if we are root, which it refuses; None: as we are."""
    if os.getuid() != 0:
        return None
    if not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and setpriv is missing; run the tests as another user")
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


@contextmanager
def _running(programs: Path, folder: Path, account: pwd.struct_passwd | None) -> Iterator[Server]:
    as_account: list[str] = []
    if account:
        as_account = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    secret = folder / "password"
    server = Server(programs, _free_port(), folder, secrets.token_hex(8) + " '\\%@")
    secret.write_text(server.password + "\n", encoding="utf-8")
    secret.chmod(0o644)
    data, log = folder / "data", folder / "log"
    made: list[str | Path] = [
        "-D",
        data,
        "-U",
        USER,
        "--pwfile",
        secret,
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    command: list[str | Path] = [*as_account, programs / "initdb", *made]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)  # noqa: S603 - our own words
    settings = {"listen_addresses": "127.0.0.1", "port": server.port, "unix_socket_directories": folder, **FAST}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # PostgreSQL ends with us, even when we are killed.
    bound = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    with log.open("wb") as output:
        command = [*as_account, *bound, programs / "postgres", "-D", data, *words]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)  # noqa: S603 - our own words
    try:
        _wait(server, process, log)
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # its fast shutdown: it ends the sessions and stops
        process.wait(START_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server takes connections."""
    command: list[str | Path] = [server.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    until = time.monotonic() + START_SECONDS
    while subprocess.run(command, check=False).returncode:  # noqa: S603 - our own words
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.05)
