"""What is let in: where a request may come from, and what a write must look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import NamedTuple
from unicodedata import category
from urllib.parse import unquote_to_bytes

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.api.auth import ACTOR, AGAIN, LOCAL, SignIn, need
from headwater.api.errors import RequestError, malformed, problem
from headwater.errors import AccessError, HeadwaterError
from headwater.store.draft import Actor, Role

JSON_TYPES = ("application/json", "application/json-patch+json", "application/merge-patch+json")

OPEN = frozenset({"/", "/docs", "/openapi.json", "/api/v1/health"})
"""Paths that tell nothing of the catalog, and so take no token."""
_PAGES = "/docs/"
_TOKENS = "/api/v1/tokens"
# What viewers may write, too: their own following and votes (whose they are the service checks).
# An id and nothing else stands in the middle: what is written by name is an entity.
_OWN_WORD = re.compile(
    r"/api/v1/[^/]+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(followers|votes)/.+",
    re.IGNORECASE | re.DOTALL,
)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS = {"http": b":80", "https": b":443"}
_NOBODY = Actor("nobody", "bot", role="viewer")

Headers = dict[bytes, bytes]


class Dialect(NamedTuple):
    """How another system's protocol, below some paths, is let in.

    Attributes:
        prefixes: Of its paths.
        reads: Whether a method of a path, other than the safe ones, only reads.
        takes_files: Whether it takes content of any type and length.
        refusal: The answer that tells of an error.
    """

    prefixes: tuple[str, ...]
    reads: Callable[[str, str], bool]
    takes_files: Callable[[str, str], bool]
    refusal: Callable[[Exception], Response]


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without a port, means this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Admits programs and pages of this machine; once sign-in is on, whoever has a token.

    A page of another site may reach a loopback server through the browser: by its address (then
    ``Origin`` is the site's), or by a name that the site lets point here (then ``Host`` is the
    site's). A proxy would make strangers look local. Without tokens all three are refused. With
    one, a caller may come by any name and through a proxy, and pages of other sites still may not.

    Args:
        app: What admitted requests are passed to.
        max_body: The most bytes that a body may have.
        sign_in: Knows tokens; None where the caller has opened the store, and may do everything.
        dialect: Another system's protocol.
    """

    def __init__(
        self, app: ASGIApp, *, max_body: int, sign_in: SignIn | None, dialect: Dialect
    ) -> None:
        self._app = app
        self._dialect = dialect
        self._max_body = max_body
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an admitted request on; answer the others."""
        if scope["type"] == "http":
            try:
                headers, stranger = _read(scope)
                scope[AGAIN] = again = partial(self._admit, scope, headers, stranger)
                scope[ACTOR] = await again()
                _check_path(scope["path"], scope.get("raw_path"))
                if scope["method"] not in _SAFE and not self._takes_files(scope):
                    receive = self._check_write(headers, receive)
            except (RequestError, HeadwaterError) as error:
                await self._refusal(error, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, headers: Headers, stranger: str | None) -> Actor:
        """Return who calls.

        Raises:
            AccessError: A stranger without sign-in, or somebody whose role is too low.
            NotSignedInError: Sign-in is on, and no valid token is given.
        """
        is_open = _is_open(scope["path"])
        if is_open and stranger is None:
            return _NOBODY
        if self._sign_in is None or not await self._sign_in.is_on():
            if stranger is not None:
                raise AccessError(stranger)
            return LOCAL
        if is_open:
            return _NOBODY
        actor = await self._sign_in.actor(headers.get(b"authorization"))
        need(actor, self._role(scope["method"], scope["path"]))
        return actor

    def _role(self, method: str, path: str) -> Role:
        """The least role that a request takes, as far as its method and path tell."""
        if path == _TOKENS or path.startswith(f"{_TOKENS}/"):
            return "admin"
        return "viewer" if self._may_view(method, path) else "editor"

    def _may_view(self, method: str, path: str) -> bool:
        if method in _SAFE or _OWN_WORD.fullmatch(path):
            return True
        return path.startswith(self._dialect.prefixes) and self._dialect.reads(method, path)

    def _takes_files(self, scope: Scope) -> bool:
        path = scope["path"]
        return path.startswith(self._dialect.prefixes) and self._dialect.takes_files(
            scope["method"], path
        )

    def _refusal(self, error: RequestError | HeadwaterError, scope: Scope) -> Response:
        if scope["path"].startswith(self._dialect.prefixes):
            return self._dialect.refusal(error)
        return problem(error, scope["method"])

    def _check_write(self, headers: Headers, receive: Receive) -> Receive:
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max_body:
            raise self._too_large()
        kind = headers.get(b"content-type")
        has_body = length != b"0" or b"transfer-encoding" in headers
        if kind is not None or has_body:
            _check_content(kind or b"", headers.get(b"content-encoding", b"identity"))
        return self._counted(receive)

    def _counted(self, receive: Receive) -> Receive:
        left = self._max_body

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> RequestError:
        message = f"a request's body has at most {self._max_body} bytes"
        return RequestError("too-large", message, headers=((b"connection", b"close"),))


_READ = frozenset(
    {b"host", b"origin", b"authorization", b"content-type", b"content-length", b"content-encoding",
     b"transfer-encoding"}
)  # fmt: skip

OF_PROXIES = (b"via", b"forwarded", b"x-forwarded-", b"x-real-ip")
"""What the names of headers begin with that say that a request came through a proxy."""


def _is_open(path: str) -> bool:
    """Whether a path tells nothing of the catalog: those listed, and pages of documentation."""
    return path in OPEN or (path.startswith(_PAGES) and "/" not in path[len(_PAGES) :])


def _read(scope: Scope) -> tuple[Headers, str | None]:
    """Return the headers that decide, and why the request may not be of this machine, if so.

    Raises:
        AccessError: It comes from a page of another site.
    """
    found: Headers = {}
    stranger = None
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found:
                raise malformed(f"the header {name.decode()} is given twice")
            found[name] = value
        elif name.startswith(OF_PROXIES):
            stranger = (
                f"a request with the header {name.decode('latin-1')} came through a proxy; without"
                " tokens only this machine is served"
            )
    host = found.get(b"host", b"")
    if not _is_loopback_host(host):
        stranger = stranger or (
            f"the host {host.decode('latin-1')!r} is not this machine; without tokens only"
            " localhost, 127.0.0.1 and [::1] are served"
        )
    origin = found.get(b"origin")
    if origin is not None and not _is_own(origin, scope["scheme"], host):
        foreign = f"a page of {origin.decode('latin-1')!r} may not call this server"
        # A proxy that ends TLS passes on what a page of https asks, in http.
        if not _is_own(origin, "https", host):
            raise AccessError(foreign)
        stranger = stranger or foreign
    return found, stranger


@lru_cache(maxsize=64)
def _is_loopback_host(header: bytes) -> bool:
    """Whether a ``Host`` header, with or without a port, names this machine."""
    text = header.decode("latin-1")
    if text.startswith("["):
        host, bracket, port = text.partition("]")
        return bool(bracket) and is_loopback(host[1:]) and _is_port(port)
    host, colon, port = text.partition(":")
    return is_loopback(host) and _is_port(colon + port)


def _is_port(text: str) -> bool:
    digits = text[1:]
    return not text or (text[0] == ":" and digits.isascii() and (digits.isdigit() or not digits))


def _is_own(origin: bytes, scheme: str, host: bytes) -> bool:
    default = _PORTS.get(scheme, b"")
    here = scheme.encode() + b"://" + host.lower().removesuffix(default)
    return origin.lower().removesuffix(default) == here


def _check_path(path: str, raw: bytes | None) -> None:
    if "\ufffd" in path and raw is not None:
        # Servers put U+FFFD where a path is not UTF-8; but a client may have written that itself.
        try:
            unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            raise malformed("the path is not percent-encoded UTF-8") from None
    if not path.isprintable() and any(category(char) == "Cc" for char in path):
        raise malformed("the path holds a control character, which no name has")


def _check_content(kind: bytes, encoding: bytes) -> None:
    media, _, parameters = kind.decode("latin-1").lower().partition(";")
    charset = parameters.replace('"', "").replace(" ", "")
    if media.strip() not in JSON_TYPES or charset not in ("", "charset=utf-8"):
        raise RequestError(
            "unsupported-media-type",
            f"a write is JSON: Content-Type is {', '.join(JSON_TYPES)}, not"
            f" {kind.decode('latin-1')!r}",
        )
    if encoding.lower() != b"identity":
        raise RequestError("unsupported-media-type", "a request's body is not compressed")
