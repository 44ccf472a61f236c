"""What is let in: where a request may come from, and what a write must look like."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from unicodedata import category
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.api.auth import ACTOR, LOCAL
from headwater.api.errors import RequestError, malformed, problem
from headwater.errors import AccessError

JSON_TYPES = ("application/json", "application/json-patch+json", "application/merge-patch+json")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS = {"http": b":80", "https": b":443"}


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without a port, means this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Admits requests that can only come from a program or page of this machine.

    A page of another site may reach a loopback server through the browser: by its address (then
    ``Origin`` is the site's), or by a name that the site lets point here (then ``Host`` is the
    site's). A proxy would make strangers look local. All three are refused.
    """

    def __init__(self, app: ASGIApp, *, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an admitted request on; answer the others."""
        if scope["type"] == "http":
            try:
                headers = _admit(scope)
                scope[ACTOR] = LOCAL
                _check_path(scope["path"], scope.get("raw_path"))
                if scope["method"] not in _SAFE:
                    receive = self._check_write(headers, receive)
            except (RequestError, AccessError) as error:
                await problem(error, scope["method"])(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check_write(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
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
    {b"host", b"origin", b"content-type", b"content-length", b"content-encoding",
     b"transfer-encoding"}
)  # fmt: skip


def _admit(scope: Scope) -> dict[bytes, bytes]:
    """Check where the request comes from; return the headers that say what its body is."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found:
                raise malformed(f"the header {name.decode()} is given twice")
            found[name] = value
        elif name == b"forwarded" or name.startswith((b"x-forwarded-", b"x-real-ip")):
            raise AccessError(
                f"a request with the header {name.decode('latin-1')} came through a proxy; without"
                " tokens only this machine is served"
            )
    host = found.get(b"host", b"")
    if not _is_loopback_host(host):
        raise AccessError(
            f"the host {host.decode('latin-1')!r} is not this machine; without tokens only"
            " localhost, 127.0.0.1 and [::1] are served"
        )
    origin = found.get(b"origin")
    if origin is not None and not _is_own(origin, scope["scheme"], host):
        raise AccessError(f"a page of {origin.decode('latin-1')!r} may not call this server")
    return found


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
