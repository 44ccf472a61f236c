"""Turns an error answer (RFC 9457 problem JSON) back into the class that the server raised."""

from __future__ import annotations

from typing import Any

from headwater.errors import (
    AccessError,
    ClientError,
    ConflictError,
    HeadwaterError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
)

# What every problem carries; the rest are the error's details.
_HEAD = frozenset({"type", "title", "status", "detail", "instance", "code", "message"})

# For codes of a newer server, which this release has no class for.
_BY_STATUS: dict[int, type[HeadwaterError]] = {
    400: InvalidInputError,
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionError,
    413: InvalidInputError,
    422: InvalidInputError,
}


def error_of(status: int, problem: Any) -> HeadwaterError | None:
    """Return the error that a problem document tells of; None when it is no such document."""
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        return None
    code = problem["code"]
    message = str(problem.get("message") or problem.get("detail") or code)
    details = {name: value for name, value in problem.items() if name not in _HEAD}
    known = _by_code(HeadwaterError).get(code)
    if known is not None:
        return known(message, **details)
    return _BY_STATUS.get(status, ClientError)(message, **{"code": code, **details})


def _by_code(root: type[HeadwaterError]) -> dict[str, type[HeadwaterError]]:
    found = {root.code: root}
    for each in root.__subclasses__():
        found |= _by_code(each)
    return found
