"""Errors on the wire: problem JSON (RFC 9457), and the one table of HTTP statuses.

The rule of 400 and 422: a request that cannot be understood as one (path, query, headers, JSON
syntax) is 400; one that was understood, and whose body asks for what is not valid, is 422.
"""

from __future__ import annotations

import logging
from typing import Any

import pydantic_core
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from headwater.api.answer import PROBLEM, Answer, Headers
from headwater.errors import HeadwaterError, InvalidInputError, NotSignedInError

_log = logging.getLogger("headwater.api")

TYPE = "https://headwater.dev/problems/"

STATUS: dict[str, tuple[int, str]] = {
    # The error tree, each code with its status and title.
    "error": (500, "Failed"),
    "not-found": (404, "Not found"),
    "events-gone": (410, "No longer kept"),
    "conflict": (409, "Conflict with what is stored"),
    "already-exists": (409, "Already exists"),
    "precondition-failed": (412, "Changed since it was read"),
    "stale-write": (409, "Written by somebody else meanwhile"),
    "invalid-input": (422, "Invalid input"),
    "access-denied": (403, "Not allowed"),
    "not-signed-in": (401, "Not signed in"),
    "store-failed": (503, "The store failed"),
    "source-failed": (502, "A source cannot be read"),
    "not-installed": (501, "Not installed"),
    "client-failed": (502, "A server behind this one failed"),
    # What HTTP itself can get wrong.
    "method-not-allowed": (405, "Method not allowed"),
    "too-large": (413, "Request too large"),
    "unsupported-media-type": (415, "Unsupported media type"),
    "internal": (500, "Internal error"),
}

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE: Headers = ((b"www-authenticate", b"Bearer"),)  # RFC 6750


class RequestError(Exception):
    """A request that is wrong as HTTP, whatever the catalog holds.

    Attributes:
        code: A key of ``STATUS``.
        status: Where it is not the code's own: 400 for ``invalid-input``.
    """

    def __init__(
        self, code: str, message: str, *, status: int | None = None, headers: Headers = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or STATUS[code][0]
        self.headers = headers


def malformed(message: str) -> RequestError:
    """The request cannot be understood: status 400."""
    return RequestError("invalid-input", message, status=400)


def problem(error: Exception, method: str) -> Answer:
    """Return the answer that tells of an error; one that nobody foresaw is logged.

    Args:
        error: Any exception.
        method: Of the request. A request without a body has nothing but its path and query to be
            wrong, so invalid input is then 400.
    """
    if isinstance(error, RequestError):
        return _answer(error.code, error.message, status=error.status, headers=error.headers)
    if isinstance(error, HeadwaterError):
        status, _ = STATUS.get(error.code, STATUS["error"])
        if isinstance(error, InvalidInputError) and method in _SAFE:
            status = 400
        if status >= 500:
            _log.error("%s: %s", error.code, error.message, exc_info=error)
        headers = _CHALLENGE if isinstance(error, NotSignedInError) else ()
        return _answer(
            error.code, error.message, status=status, headers=headers, details=error.details
        )
    _log.error("a request failed unexpectedly", exc_info=error)
    return _answer("internal", "the server failed; its log says why", status=500)


def install(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""

    async def known(request: Request, error: Exception) -> Response:
        return problem(error, request.method)

    async def http(request: Request, error: Exception) -> Response:
        return problem(_of_http(request, error), request.method)

    async def fields(request: Request, error: Exception) -> Response:
        return problem(_of_fields(error), request.method)

    app.add_exception_handler(HeadwaterError, known)
    app.add_exception_handler(RequestError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, fields)
    app.add_exception_handler(Exception, known)


def _of_http(request: Request, error: Exception) -> RequestError:
    """What Starlette's router raises, in our words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.scope["path"]
    if status == 404:
        return RequestError(
            "not-found", f"there is nothing at {path}; /openapi.json lists what there is"
        )
    if status == 405:
        allow = (getattr(error, "headers", None) or {}).get("Allow", "")
        return method_not_allowed(request.method, allow)
    return RequestError("invalid-input" if status < 500 else "internal", str(error), status=status)


def method_not_allowed(method: str, allow: str) -> RequestError:
    """The resource is there, and does not take the method."""
    return RequestError(
        "method-not-allowed",
        f"{method} is not possible here; {allow} is",
        headers=((b"allow", allow.encode()),),
    )


def _of_fields(error: Exception) -> InvalidInputError:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [
        {"pointer": "".join(f"/{part}" for part in fault["loc"][1:]), "message": fault["msg"]}
        for fault in faults
    ]
    text = "; ".join(f"{each['pointer']}: {each['message']}" for each in errors)
    return InvalidInputError(f"not a valid request: {text}", errors=errors)


def _answer(
    code: str,
    message: str,
    *,
    status: int,
    headers: Headers = (),
    details: dict[str, Any] | None = None,
) -> Answer:
    known = STATUS.get(code, STATUS["error"])
    body = {
        **(details or {}),
        "type": TYPE + code,
        "title": known[1],
        "status": status,
        "detail": message,
        "code": code,
        "message": message,
    }
    body.setdefault("errors", [])
    # A detail is JSON-able by contract; one that is not must not hide the error it belongs to.
    text = pydantic_core.to_json(body, fallback=str)
    return Answer(text, status=status, media=PROBLEM, headers=headers)
