"""One HTTP exchange: addresses, headers, retries, and errors that say what to do."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpx

from headwater.errors import ClientError, InvalidInputError
from headwater.sdk.json_text import to_json
from headwater.sdk.problem import error_of
from headwater.version import __version__

API = "/api/v1"
_PAUSES = (0.1, 0.4)  # seconds before the first and the second retry
_EVENTS = "text/event-stream"
_SILENCE = 60.0  # seconds; a server that is there says something within 15
_LOST = (httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its status, its ``ETag`` without quotes, and its JSON."""

    status: int
    rev: str | None
    data: Any


class Stream:
    """An answer that goes on, as chunks of bytes."""

    def __init__(self, wire: Wire, response: httpx.Response) -> None:
        self._wire = wire
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with self._wire.told_of_loss(self._response.request):
            yield from self._response.iter_bytes()

    def interrupt(self) -> None:
        """Wake a thread that waits for the next chunk: to it the connection is lost."""
        found = self._response.extensions.get("network_stream")
        connection = found.get_extra_info("socket") if found else None
        if connection is not None:
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)


class Wire:
    """Sends requests to one server. Safe to use from many threads at once."""

    def __init__(
        self,
        url: str,
        *,
        producer: str | None,
        timeout: float,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        base = _base(url)
        self.url = str(base).rstrip("/")
        headers = {"Accept": "application/json", "User-Agent": f"headwater/{__version__}"}
        if token:
            headers["Authorization"] = _bearer(token)
        self.producer = producer
        self._producer = {} if producer is None else _producer_header(producer)
        self._client = httpx.Client(
            base_url=self.url + API,
            headers=headers,
            timeout=timeout,
            transport=transport,
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not _is_loopback(base.host),
            # Shorter than servers keep idle connections, so that no write meets one just closed.
            limits=httpx.Limits(keepalive_expiry=2.0),
        )

    def as_producer(self, producer: str) -> Wire:
        """Return a wire over the same connections that sends as a producer."""
        other = copy(self)
        other.producer = producer
        other._producer = _producer_header(producer)
        return other

    def close(self) -> None:
        """Release connections. Closing twice is allowed."""
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        if_match: str | None = None,
    ) -> Answer:
        """Send one request and return what was answered.

        Args:
            method: The HTTP method; a ``GET`` whose connection breaks is tried twice more.
            path: Below ``/api/v1``, percent-encoded.
            params: Query parameters; those that are None are left out.
            body: JSON-able, or JSON as bytes; None sends no body.
            content_type: Of the body.
            if_match: The rev that must be the stored one.

        Raises:
            HeadwaterError: The class whose ``code`` the server answered.
            ClientError: The server was not reached, or its answer not understood.
        """
        headers = {}
        if body is not None:
            headers["Content-Type"] = content_type
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        request = self._request(method, path, params, headers, body)
        return self._read(self._exchange(request))

    @contextmanager
    def stream(self, path: str, *, params: Mapping[str, Any]) -> Iterator[Stream]:
        """Ask for Server-Sent Events and yield the answer, which is read as it comes.

        Raises:
            HeadwaterError: As ``send``; while it is read, too.
        """
        request = self._request("GET", path, params, {"Accept": _EVENTS})
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": _SILENCE}
        with self.told_of_loss(request):
            response = self._client.send(request, stream=True)
        with closing(response):
            media = response.headers.get("content-type", "").partition(";")[0]
            if not response.is_success or media != _EVENTS:
                response.read()
                self._read(response)
                raise self._not_ours(response)
            yield Stream(self, response)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._client.is_closed

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        body: Any = None,
    ) -> httpx.Request:
        if self._client.is_closed:
            raise ClientError("this client is closed")
        return self._client.build_request(
            method,
            path,
            params={name: value for name, value in (params or {}).items() if value is not None},
            content=None if body is None else to_json(body),
            headers={**self._producer, **headers},
        )

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        pauses = list(_PAUSES) if request.method == "GET" else []
        while True:
            with self.told_of_loss(request):
                try:
                    return self._client.send(request)
                except _LOST:
                    if not pauses:
                        raise
            time.sleep(pauses.pop(0))

    @contextmanager
    def told_of_loss(self, request: httpx.Request) -> Iterator[None]:
        """Let what goes wrong on the way be a ``ClientError`` that says what to do."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise ClientError(
                f"{request.url} did not answer in time ({type(error).__name__}); is the server"
                " busy? A longer time is given by Headwater(url, timeout=…)",
                url=str(request.url),
            ) from error
        except httpx.HTTPError as error:
            raise self._unreachable(request, error) from error

    def _unreachable(self, request: httpx.Request, error: Exception) -> ClientError:
        return ClientError(
            f"cannot reach {self.url} ({error}); is it running? `headwater serve` starts a server;"
            " Headwater.open(path), or --store in a shell, works on a file without one",
            url=str(request.url),
        )

    def _read(self, response: httpx.Response) -> Answer:
        try:
            data = response.json() if response.content else None
        except ValueError:
            raise self._not_ours(response) from None
        if not response.is_success:
            raise error_of(response.status_code, data) or self._not_ours(response)
        return Answer(
            response.status_code, response.headers.get("etag", "").strip('"') or None, data
        )

    def _not_ours(self, response: httpx.Response) -> ClientError:
        kind = response.headers.get("content-type", "no content type").partition(";")[0]
        return ClientError(
            f"{response.request.url} answered {response.status_code} with {kind}, not as a"
            " Headwater server does; check the address, and what stands between, such as a proxy",
            url=str(response.request.url),
            status=response.status_code,
            start=response.text[:200],
        )


def _base(url: str) -> httpx.URL:
    """The address without the API's own path, whichever form was given."""
    try:
        base = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidInputError(f"{url!r} is not an address: {error}") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise InvalidInputError(
            f"{url!r} is not an address such as http://127.0.0.1:8585;"
            " a store is opened without a server by Headwater.open(…)"
        )
    path = base.path.rstrip("/")
    for ending in (API, "/api"):
        path = path.removesuffix(ending)
    return base.copy_with(path=path or "/", query=None, fragment=None)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bearer(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        # Not shown: it may be a token with a slip in it.
        raise InvalidInputError("a token is printable ASCII without spaces; this one is not")
    return f"Bearer {token}"


def _producer_header(producer: str) -> dict[str, str]:
    if not producer or not producer.isascii() or not producer.isprintable():
        raise InvalidInputError(f"a producer's name is printable ASCII, not {producer!r}")
    return {"X-Headwater-Producer": producer}
