"""Passes everything but the registry on to the one tracking server that an administrator set.

What goes there goes with that server's credentials, never with the caller's; so what a caller may
ask is decided here, by the role that Headwater knows.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import AsyncIterator, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import unquote_to_bytes

import httpx
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from headwater.api.answer import ALWAYS
from headwater.api.auth import actor_of
from headwater.api.dialects.mlflow.admission import is_for_admins, is_read
from headwater.api.dialects.mlflow.chunk import MergingBackend
from headwater.api.dialects.mlflow.error import MlflowError, invalid, no_endpoint, refusal
from headwater.api.guard import OF_PROXIES
from headwater.settings import Settings
from headwater.store.draft import Role

_log = logging.getLogger("headwater.api")

_TIMEOUT = httpx.Timeout(300.0, connect=10.0)  # seconds; files may be large
_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
     b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)  # fmt: skip
"""Headers that concern one connection (RFC 9110, 7.6.1)."""
_NOT_SENT = _HOP_BY_HOP | {
    b"authorization", b"cookie", b"host", b"origin", b"referer", b"x-headwater-producer",
}  # fmt: skip
_NOT_ANSWERED = _HOP_BY_HOP | {b"date", b"server", b"set-cookie", b"www-authenticate"}
_MOST_ENCODED = 4
"""How often a path is taken to be encoded at most."""
_LOCAL = re.compile(rb"(registered-models|model-versions)(/|$)", re.IGNORECASE)

Pairs = list[tuple[bytes, bytes]]


class Tracking:
    """An ASGI application for every path that the registry does not answer.

    Used by one event loop, which also closes it.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.mlflow_tracking_uri.rstrip("/")
        self._authorization = authorization_of(settings)
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on; whatever goes wrong here is answered as MLflow does."""
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._pass_on(Request(scope, receive), note)
        except Exception as error:
            if begun:  # the caller has to see that the rest is missing
                raise
            await refusal(_told(error))(scope, receive, send)

    async def close(self) -> None:
        """Release connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    # Inside

    async def _pass_on(self, request: Request, send: Send) -> None:
        scope = request.scope
        path = scope.get("raw_path") or scope["path"].encode()
        _check_path(path)
        actor_of(request, role=_needed(request.method, scope["path"]))
        if not self._url:
            raise no_endpoint(
                f"{scope['path']} is not of the model registry, and this server passes nothing on:"
                " HEADWATER_MLFLOW_TRACKING_URI names no tracking server"
            )
        query = scope["query_string"]
        address = (
            self._url + path.decode("ascii") + ("?" + query.decode("latin-1") if query else "")
        )
        outgoing = self._open().build_request(
            request.method,
            address,
            headers=self._headers(scope),
            content=_body(request.receive) if _has_body(scope["headers"]) else None,
        )
        answer = await self._open().send(outgoing, stream=True, follow_redirects=False)
        try:
            _check_answer(answer)
            response = StreamingResponse(answer.aiter_raw(), answer.status_code)
            response.raw_headers = _answered(answer.headers.raw)
            await response(scope, request.receive, send)
        finally:
            await answer.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            # Nothing of the environment: a proxy there, or a .netrc, is not what was set.
            self._client = httpx.AsyncClient(
                timeout=_TIMEOUT, trust_env=False, transport=_transport(), cookies=_no_cookies()
            )
        return self._client

    def _headers(self, scope: Scope) -> Pairs:
        given: Pairs = scope["headers"]
        sent = [
            (name, value)
            for name, value in given
            if name not in _dropped(given, _NOT_SENT) and not name.startswith(OF_PROXIES)
        ]
        names = {name for name, _ in sent}
        # Otherwise httpx would name encodings that the caller cannot read.
        sent += [] if b"accept-encoding" in names else [(b"accept-encoding", b"identity")]
        # MLflow lets programs of its own host do more: it has to know that others ask.
        sent.append((b"x-forwarded-for", _caller(scope).encode("latin-1")))
        return sent + ([(b"authorization", self._authorization)] if self._authorization else [])


def _no_cookies() -> CookieJar:
    """What keeps no cookie: the answer to one caller must not go with the request of another."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _caller(scope: Scope) -> str:
    """The address that a request came from; ``unknown`` behind a proxy, which may be here."""
    if scope.get("client") is None or any(n.startswith(OF_PROXIES) for n, _ in scope["headers"]):
        return "unknown"
    host: str = scope["client"][0]
    return host


def _transport() -> httpx.AsyncHTTPTransport:
    """HTTPX's own, over connections that merge chunks, which it has no option for."""
    verify = ssl.create_default_context()
    transport = httpx.AsyncHTTPTransport(trust_env=False, verify=verify)
    transport._pool._network_backend = MergingBackend()
    return transport


def authorization_of(settings: Settings) -> bytes:
    """The header that signs in at the tracking server; empty for none."""
    if settings.mlflow_tracking_token:
        return f"Bearer {settings.mlflow_tracking_token}".encode()
    if settings.mlflow_tracking_username:
        user, password = settings.mlflow_tracking_username, settings.mlflow_tracking_password
        request = httpx.Request("GET", "http://nowhere")
        next(httpx.BasicAuth(user, password).auth_flow(request))
        return request.headers["authorization"].encode()
    return b""


def _check_path(raw: bytes) -> None:
    """Refuse paths that the two servers could read differently.

    Raises:
        MlflowError: A segment is empty or a dot, or hides a slash, however often it is encoded; or
            the registry's own paths are spelled so that they came here.
    """
    for segment in raw.split(b"/")[1:]:
        plain, encoded = unquote_to_bytes(segment), segment
        for _ in range(_MOST_ENCODED):
            plain, encoded = unquote_to_bytes(plain), plain
        if (
            plain != encoded
            or plain.partition(b";")[0] in (b"", b".", b"..")  # some servers cut off the rest
            or re.search(rb"[/\\\x00-\x1f\x7f]", plain)
        ):
            raise invalid("The path holds an empty segment, a dot, or a slash that is encoded.")
    if _LOCAL.match(unquote_to_bytes(raw).split(b"/mlflow/", 1)[-1]):
        raise no_endpoint("The registry has no such endpoint.")


def _needed(method: str, path: str) -> Role:
    """The role that passing a request on takes."""
    if is_read(method, path):
        return "viewer"
    return "admin" if is_for_admins(path) else "editor"


def _dropped(given: Iterable[tuple[bytes, bytes]], always: frozenset[bytes]) -> set[bytes]:
    """Names of headers that stay behind: those, and what ``Connection`` names."""
    named = b",".join(value for name, value in given if name.lower() == b"connection")
    return {*always, *(each.strip().lower() for each in named.split(b","))}


def _answered(given: Pairs) -> Pairs:
    ours = dict(ALWAYS)
    dropped = _dropped(given, _NOT_ANSWERED)
    kept = [(n.lower(), v) for n, v in given if n.lower() not in dropped and n.lower() not in ours]
    return [*kept, *ALWAYS]


def _has_body(headers: Pairs) -> bool:
    given = dict(headers)
    return given.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in given


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MlflowError("BAD_REQUEST", "The client went away before the body was complete.")
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body", False):
            return


def _check_answer(answer: httpx.Response) -> None:
    """Refuse what would send the caller elsewhere, or ask for another sign-in than ours.

    Raises:
        MlflowError: It is a redirect, or the tracking server does not know us.
    """
    if answer.has_redirect_location:
        raise MlflowError(
            "TEMPORARILY_UNAVAILABLE",
            "The tracking server redirects, which is not followed:"
            " HEADWATER_MLFLOW_TRACKING_URI must be its own address.",
        )
    if answer.status_code == 401:
        raise MlflowError(
            "TEMPORARILY_UNAVAILABLE",
            "The tracking server refuses the sign-in that this server has for it:"
            " HEADWATER_MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN.",
        )


def _told(error: Exception) -> Exception:
    if isinstance(error, httpx.HTTPError):
        # The cause may have the address, which is not the caller's to know.
        _log.error("the tracking server cannot be asked", exc_info=error)
        return MlflowError("TEMPORARILY_UNAVAILABLE", "The tracking server cannot be reached.")
    return error
