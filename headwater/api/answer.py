"""Answers: stored JSON text goes out as it is, with the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import pydantic_core
from starlette.responses import Response

JSON = b"application/json"
PROBLEM = b"application/problem+json"
HTML = b"text/html; charset=utf-8"
CSS = b"text/css; charset=utf-8"

Headers = tuple[tuple[bytes, bytes], ...]

ALWAYS: Headers = (
    (b"cache-control", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
"""What every answer carries."""
_STYLED: Headers = tuple(
    (name, value + b"; style-src 'self'" if name == b"content-security-policy" else value)
    for name, value in ALWAYS
)


class Stored(Protocol):
    """A document as the store or a write left it."""

    @property
    def rev(self) -> int:
        """Counts the entity's writes."""
        ...

    @property
    def document(self) -> str:
        """The JSON text."""
        ...


class Answer(Response):
    """A complete answer.

    Args:
        body: The bytes to send.
        status: The HTTP status.
        media: The content type.
        headers: More headers, names in lower case.
    """

    def __init__(
        self, body: bytes, *, status: int = 200, media: bytes = JSON, headers: Headers = ()
    ) -> None:
        # Starlette's own constructor would encode the same few headers for each answer.
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [
            (b"content-type", media),
            (b"content-length", b"%d" % len(body)),
            *ALWAYS,
            *headers,
        ]


class Page(Answer):
    """A page for people, which may load our own style sheet and nothing else."""

    def __init__(self, html: bytes) -> None:
        super().__init__(html, media=HTML)
        self.raw_headers[2:] = _STYLED


class NotModified(Response):
    """The 304 answer: what the client holds is still right."""

    def __init__(self, rev: int) -> None:
        self.status_code = 304
        self.body = b""
        self.background = None
        self.raw_headers = [*ALWAYS, etag(rev)]


def etag(rev: int) -> tuple[bytes, bytes]:
    """The header that names a state of an entity."""
    return (b"etag", b'"%d"' % rev)


def entity(stored: Stored, *, status: int = 200, headers: Headers = ()) -> Answer:
    """Answer one entity: its stored text and its ``ETag``."""
    return Answer(stored.document.encode(), status=status, headers=(etag(stored.rev), *headers))


def page(documents: Iterable[str], paging: dict[str, Any]) -> Answer:
    """Answer stored documents as ``{"data": […], "paging": {…}}``.

    Args:
        documents: JSON texts.
        paging: ``after`` and ``total``; those that are None are left out.
    """
    more = {"paging": {n: v for n, v in paging.items() if v is not None}}
    return listing(documents, more)


def listing(documents: Iterable[str], beside: dict[str, Any]) -> Answer:
    """Answer stored documents as ``data``, with other properties beside (at least one)."""
    rest = pydantic_core.to_json(beside)[1:]
    return Answer(b'{"data":[' + ",".join(documents).encode() + b"]," + rest)


def json_answer(value: Any, *, status: int = 200, headers: Headers = ()) -> Answer:
    """Answer any JSON-able value."""
    return Answer(pydantic_core.to_json(value), status=status, headers=headers)
