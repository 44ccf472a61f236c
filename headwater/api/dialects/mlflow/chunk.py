"""The tracking server's chunks, put together as they come, before anybody takes them one by one.

MLflow 2 sends files line by line, each line in a chunk (RFC 9112, 7.1): of a binary file some 250
bytes. h11 and httpx take each on its own, at a tenth of the speed that MLflow has.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
from typing_extensions import override

_HEAD_END = b"\r\n\r\n"
_MOST_HEAD = 65536
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_MOST_SIZE = 10  # bytes of the above


class ChunkMerger:
    """Puts together the chunks of answers; all else stays as it is.

    Nothing is held back but the beginning of a line: whatever has come of a chunk goes on as a
    chunk. What is written in no plain way goes on as it is, for h11 to judge.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Expect the head of an answer, since something is asked."""
        self._rest = b""
        self._left = 0
        self._take = self._head

    def merge(self, data: bytes) -> bytes:
        """What goes on of what has come; empty where that is nothing yet.

        Raises:
            RemoteProtocolError: A chunk does not end where it says.
        """
        return self._take(data)

    # Inside

    def _head(self, data: bytes) -> bytes:
        seen = self._rest + data
        end = seen.find(_HEAD_END)
        if end < 0:
            self._rest = seen
            if len(seen) > _MOST_HEAD:
                self._take = self._raw
            return data
        body = end + len(_HEAD_END)
        head, self._rest = seen[:body], b""
        known = len(seen) - len(data)
        if re.match(rb"HTTP/1\.1 1\d\d", head):  # another head follows
            return data[: body - known] + self._head(seen[body:])
        self._take = self._chunks if _CHUNKED.search(head) else self._raw
        return data[: body - known] + self._take(seen[body:])

    def _raw(self, data: bytes) -> bytes:
        return data

    def _chunks(self, data: bytes) -> bytes:
        data, at, found = self._rest + data, 0, list[bytes]()
        self._rest = b""
        while at < len(data):
            if self._left:
                at = self._payload(data, at, found)
                continue
            size = _SIZE.match(data, at)
            if size is None and len(data) - at < _MOST_SIZE and b"\n" not in data[at:]:
                self._rest = data[at:]
                break
            if size is None or not int(size[1], 16):  # odd, or the last
                self._take = self._raw
                return _framed(found) + data[at:]
            self._left = int(size[1], 16) + 2
            at = size.end()
        return _framed(found)

    def _payload(self, data: bytes, at: int, found: list[bytes]) -> int:
        """Take what there is of a chunk, whose end is a line's; return where that ends."""
        there = data[at : at + self._left]
        content = max(0, self._left - 2)
        found.append(there[:content])
        end = there[content:]
        if end and not b"\r\n"[2 - (self._left - content) :].startswith(end):
            raise httpcore.RemoteProtocolError("a chunk does not end where it says")
        self._left -= len(there)
        return at + len(there)


class MergingBackend(httpcore.AsyncNetworkBackend):
    """Connections whose answers come in merged chunks."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _MergingStream(found)

    @override
    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _MergingStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner, self._merger = inner, ChunkMerger()

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while data := await self._inner.read(max_bytes, timeout):
            if merged := self._merger.merge(data):
                return merged
        return b""

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._merger.reset()  # httpcore writes all of a request before it reads, and reads all
        await self._inner.write(buffer, timeout)

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    @override
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _MergingStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _framed(parts: list[bytes]) -> bytes:
    """One chunk of what there is, if anything."""
    content = b"".join(parts)
    return b"%x\r\n%b\r\n" % (len(content), content) if content else b""
