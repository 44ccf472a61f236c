"""A raw-socket HTTP/1.1 keep-alive client: it measures the server, not itself."""

from __future__ import annotations

import socket
import time
from types import TracebackType


class RawClient:
    """One keep-alive connection to a server on loopback, signed in where there is a token."""

    def __init__(self, port: int, *, token: str = "") -> None:
        self._port = port
        self._token = token
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The bytes of a request, made once and sent many times."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        if self._token:
            head += f"Authorization: Bearer {self._token}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and read the whole answer: status and body."""
        self._socket.sendall(request)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._read()
        head = bytes(data[:end]).lower()
        at = head.index(b"content-length:") + len(b"content-length:")
        length = int(head[at:].split(b"\r\n", 1)[0])
        body = data[end + 4 :]
        while len(body) < length:
            body += self._read()
        return int(head[9:12]), bytes(body)

    def _read(self) -> bytes:
        block = self._socket.recv(1 << 18)
        if not block:
            raise ConnectionError("the server closed the connection")
        return block

    def timed(self, requests: list[bytes], *, status: tuple[int, ...] = (200,)) -> list[float]:
        """Send each request once, in order; seconds for each.

        Raises:
            RuntimeError: An answer has another status.
        """
        out = []
        for request in requests:
            start = time.perf_counter()
            got, body = self.send(request)
            out.append(time.perf_counter() - start)
            if got not in status:
                raise RuntimeError(f"{got}: {body[:500]!r} for {request[:200]!r}")
        return out
