"""What a name that was not found may have meant: people leave out where a thing stands."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from headwater.errors import HeadwaterError, NotFoundError
from headwater.sdk.wire import Wire

_LOOKED_AT = 50
_SHOWN = 5


def with_candidates(error: NotFoundError, wire: Wire) -> NotFoundError:
    """The error, with the names that end in the one that is missing, if there are any.

    ``details["candidates"]`` has them as ``kind:fqn``.
    """
    missing, kind = error.details.get("fqn"), error.details.get("kind")
    if not isinstance(missing, str):
        return error
    found = _candidates(missing, kind, wire)
    if not found:
        return error
    shown = ", ".join(found[:_SHOWN])
    more = f" or {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    message = f"{error.message}; did you mean {shown}{more}?"
    return NotFoundError(message, **{**error.details, "candidates": found})


def _candidates(missing: str, kind: Any, wire: Wire) -> list[str]:
    words = missing.replace('"', " ")
    params = {"q": f'"{words}"', "kind": kind, "limit": _LOOKED_AT}
    hits: list[dict[str, Any]] = []
    with suppress(HeadwaterError):  # what is not there is the news
        hits = wire.send("GET", "/search", params=params).data["data"]
    end = f".{missing}".casefold()
    names = ((each["kind"], each["fullyQualifiedName"]) for each in hits)
    return sorted(f"{kind}:{fqn}" for kind, fqn in names if f".{fqn}".casefold().endswith(end))
