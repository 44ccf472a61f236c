"""Errors as MLflow's clients read them: ``{"error_code", "message"}`` and MLflow's statuses."""

from __future__ import annotations

import logging
from typing import Literal

from headwater.api.answer import Answer, Headers, json_answer
from headwater.api.errors import STATUS, RequestError
from headwater.errors import HeadwaterError, NotSignedInError

_log = logging.getLogger("headwater.api")

Code = Literal[
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "INTERNAL_ERROR",
    "INVALID_PARAMETER_VALUE",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_CONFLICT",
    "RESOURCE_DOES_NOT_EXIST",
    "TEMPORARILY_UNAVAILABLE",
    "UNAUTHENTICATED",
]
_STATUS: dict[Code, int] = {
    "BAD_REQUEST": 400,
    "ENDPOINT_NOT_FOUND": 404,
    "INTERNAL_ERROR": 500,
    "INVALID_PARAMETER_VALUE": 400,
    "PERMISSION_DENIED": 403,
    "RESOURCE_ALREADY_EXISTS": 400,
    "RESOURCE_CONFLICT": 409,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "TEMPORARILY_UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}
_OF_OURS: dict[str, Code] = {
    "not-found": "RESOURCE_DOES_NOT_EXIST",
    "already-exists": "RESOURCE_ALREADY_EXISTS",
    "conflict": "RESOURCE_CONFLICT",
    "stale-write": "RESOURCE_CONFLICT",
    "precondition-failed": "RESOURCE_CONFLICT",
    "invalid-input": "INVALID_PARAMETER_VALUE",
    "access-denied": "PERMISSION_DENIED",
    "not-signed-in": "UNAUTHENTICATED",
    "store-failed": "TEMPORARILY_UNAVAILABLE",
    "client-failed": "TEMPORARILY_UNAVAILABLE",
    "method-not-allowed": "ENDPOINT_NOT_FOUND",
    "too-large": "BAD_REQUEST",
    "unsupported-media-type": "BAD_REQUEST",
}
# MLflow's clients take the name and the token from their environment, as Basic.
_CHALLENGE: Headers = ((b"www-authenticate", b'Basic realm="headwater"'),)


class MlflowError(Exception):
    """What a request is refused for, in MLflow's words."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> MlflowError:
    """A parameter cannot be what it is: status 400."""
    return MlflowError("INVALID_PARAMETER_VALUE", message)


def no_endpoint(message: str) -> MlflowError:
    """Nothing answers at the path: status 404."""
    return MlflowError("ENDPOINT_NOT_FOUND", message)


def refusal(error: Exception) -> Answer:
    """Return the answer that tells of an error; one that nobody foresaw is logged."""
    headers: Headers = ()
    if isinstance(error, MlflowError):
        code, message = error.code, error.message
        status = _STATUS[code]
    elif isinstance(error, (HeadwaterError, RequestError)):
        code, message = _OF_OURS.get(error.code, "INTERNAL_ERROR"), error.message
        status = error.status if isinstance(error, RequestError) else _STATUS[code]
        if isinstance(error, NotSignedInError):
            headers = _CHALLENGE
        if STATUS.get(error.code, STATUS["error"])[0] >= 500:
            _log.error("%s: %s", error.code, message, exc_info=error)
    else:
        _log.error("a request failed unexpectedly", exc_info=error)
        code, message, status = "INTERNAL_ERROR", "the server failed; its log says why", 500
    return json_answer({"error_code": code, "message": message}, status=status, headers=headers)
