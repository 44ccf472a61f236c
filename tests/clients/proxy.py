"""A proxy before a real server: it notes what is asked, wants a token, and is busy when told so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Lock, Thread

import httpx

ARTIFACT = "/model-versions/get-artifact"


@dataclass(slots=True)
class Proxy:
    """A proxy that runs.

    Attributes:
        url: Its own address.
        upstream: The server behind it.
        token: The bearer's token that every request must have; None: any may ask.
        busy: How often each path is still answered with 429, and a wish to wait for a second.
        asked: Path, and seconds of a clock, of all that was asked.
    """

    url: str
    upstream: str
    token: str | None = None
    busy: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, float]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def files(self) -> int:
        """How many files of models were asked for since the last time."""
        count = sum(path == ARTIFACT for path, _ in self.asked)
        self.asked.clear()
        return count

    def waits(self, path: str) -> list[float]:
        """Seconds between what was asked at a path."""
        times = [at for each, at in self.asked if each == path]
        return [later - at for at, later in pairwise(times)]

    def is_busy(self, path: str) -> bool:
        """Note a request; whether it is to be sent away for now."""
        with self.lock:
            self.asked.append((path, time.monotonic()))
            left = self.busy.get(path, 0)
            self.busy[path] = left - 1
            return left > 0


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    """Stand before a server, on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._forward()

        def do_POST(self) -> None:
            self._forward()

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            wanted = f"Bearer {found.token}"
            if found.is_busy(self.path.partition("?")[0]):
                self._answer(429, b"", **{"Retry-After": "1"})
            elif found.token is not None and self.headers.get("Authorization") != wanted:
                self._answer(401, b"{}")
            else:
                kind = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                answer = client.request(self.command, self.path, content=body, headers=kind)
                self._answer(answer.status_code, answer.content)

        def _answer(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with (
        httpx.Client(base_url=upstream, timeout=60) as client,
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
    ):
        server.daemon_threads = True  # connections that are kept open end with the test
        found = Proxy(f"http://127.0.0.1:{server.server_port}", upstream)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
