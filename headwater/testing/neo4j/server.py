"""Runs a Neo4j Community server on loopback, for tests and for trying things out."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from headwater.testing.neo4j.install import install

PASSWORD = "headwater"  # noqa: S105  # of a server that only this machine reaches, for a while
_START_SECONDS = 120
_OPENED = ["java.nio", "java.io", "sun.nio.ch", "java.util.concurrent"]
_CONF = """\
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.usage_report.enabled=false
server.memory.pagecache.size=128m
db.tx_log.preallocate=false
"""
# Databases of tests are emptied all the time; planning anew each time is half of the server's work.
_BRIEF_CONF = "dbms.cypher.min_replan_interval=1h\n"


class ServerError(Exception):
    """The server did not start; the message ends with what it logged."""


class Neo4jServer:
    """One server with a folder of its own, which is removed with it. A context manager.

    Args:
        folder: Where its home is made; the system's temporary folder by default.
        brief: Give up peak speed for a start in half the time.

    Attributes:
        url: What ``Neo4jStore`` takes, credentials included.
    """

    def __init__(self, folder: Path | None = None, *, brief: bool = False) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="headwater-neo4j-", dir=folder))
        self._brief = brief
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_password = False

    @property
    def url(self) -> str:
        """The address, with user and password."""
        return f"neo4j://neo4j:{PASSWORD}@127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers; after ``kill``, on the data that is there.

        Raises:
            InstallError: It is not installed and cannot be.
            ServerError: It ended, or did not answer in two minutes.
        """
        jars = install()
        conf = self._home / "conf"
        conf.mkdir(exist_ok=True)
        settings = _CONF.format(port=self._port) + (_BRIEF_CONF if self._brief else "")
        (conf / "neo4j.conf").write_text(settings, encoding="utf-8")
        log = self._home / "logs" / "neo4j.log"
        logged = log.stat().st_size if log.exists() else 0
        with (self._home / "output").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # nothing here is a user's text
                self._command(jars, conf),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for whoever stops the server, not for the server.
                start_new_session=True,
            )
        self._await_start(self._process, log, logged)
        if not self._has_password:
            _set_password(self._port)
            self._has_password = True

    def stop(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def kill(self) -> None:
        """End it at once, as a power cut would; its folder stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wait(self, seconds: float) -> bool:
        """Wait for it to end by itself, and say whether it did."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def __enter__(self) -> Self:
        """Start it; when that fails, nothing is left behind."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def _command(self, jars: Path, conf: Path) -> list[str]:
        speed = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] if self._brief else []
        return [
            *("java", "-Xms256m", "-Xmx512m", *speed, "-cp", f"{jars}/*"),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
            *("-Dio.netty.tryReflectionSetAccessible=true", "-Dlog4j2.disable.jmx=true"),
            "org.neo4j.server.CommunityEntryPoint",
            *(f"--home-dir={self._home}", f"--config-dir={conf}"),
        ]

    def _await_start(self, process: subprocess.Popen[bytes], log: Path, logged: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.wait(0.05):
                raise ServerError(f"Neo4j ended with {process.returncode}:\n{self._tail(log)}")
            if log.exists() and b"Started." in log.read_bytes()[logged:] and _answers(self._port):
                return
        raise ServerError(f"Neo4j is not up after {_START_SECONDS} s:\n{self._tail(log)}")

    def _tail(self, log: Path) -> str:
        files = [self._home / "output", log]
        return "".join(f.read_text(errors="replace")[-2000:] for f in files if f.exists())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _set_password(port: int) -> None:
    import neo4j  # An extra: whoever only reads this module needs no driver.

    with neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=("neo4j", "neo4j")) as driver:
        driver.execute_query(
            "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $new", new=PASSWORD, database_="system"
        )
