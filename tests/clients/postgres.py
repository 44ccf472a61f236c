"""A PostgreSQL server for tests: Debian's package, a folder of its own, a free port of loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

USER = "headwater"
PASSWORD = "spring water"  # noqa: S105 - of a server that only this machine reaches, for a while
_PACKAGES = Path("/usr/lib/postgresql")
_OWNER = "postgres"  # the user that the package makes; the server refuses to run as root
_START_SECONDS = 60
_CONF = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
"""


class ServerError(Exception):
    """The server did not start; the message ends with what it logged."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that answers."""

    port: int

    def url(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        """A database's address, as SQLAlchemy takes it."""
        secret = password.replace(" ", "%20")
        return f"postgresql+psycopg://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def run(self, script: str, database: str = "postgres") -> None:
        """Run statements that are separated by semicolons, as the superuser."""
        with closing(self.connect(database)) as connection:
            connection.execute(script.encode())

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Connect as the superuser; each statement is a transaction."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        )


def missing_package() -> str | None:
    """What is to be installed before a server can run here, or None."""
    if _programs() and shutil.which("setpriv"):
        return None
    return "PostgreSQL is not installed: apt-get install postgresql"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server, and stop it; it ends with this process, even when that is killed.

    Raises:
        ServerError: It ended, or did not answer in a minute.
    """
    programs = _programs()
    if programs is None:
        raise ServerError(missing_package())
    home = Path(tempfile.mkdtemp(prefix="headwater-postgres-"))
    try:
        password = home / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(home, _OWNER, _OWNER)
            shutil.chown(password, _OWNER, _OWNER)
        data = home / "data"
        _make(
            [
                *_as_owner([str(programs / "initdb"), f"--pgdata={data}", f"--pwfile={password}"]),
                *(f"--username={USER}", "--auth=scram-sha-256", "--no-sync"),
                *("--encoding=UTF8", "--locale=C.UTF-8"),
            ],
            home,
        )
        port = _free_port()
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(_CONF.format(port=port))
        with _server([str(programs / "postgres"), "-D", str(data)], home) as process:
            found = Postgres(port)
            _await_start(found, process, home)
            yield found
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _programs() -> Path | None:
    """The folder of the newest server's programs."""
    found = [each for each in _PACKAGES.glob("*/bin") if (each / "initdb").exists()]
    return max(found, key=lambda each: float(each.parent.name), default=None)


def _as_owner(command: Sequence[str]) -> list[str]:
    other = ["--reuid", _OWNER, "--regid", _OWNER, "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "QUIT", *other, "--", *command]


def _make(command: Sequence[str], home: Path) -> None:
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerError(f"initdb failed: {done.stdout}{done.stderr}")


@contextmanager
def _server(command: Sequence[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            _as_owner(command),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
        process.wait(30)


def _await_start(server: Postgres, process: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), closing(server.connect()):
            return
        time.sleep(0.05)
    raise ServerError(f"PostgreSQL did not start:\n{(home / 'log').read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
