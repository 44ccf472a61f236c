"""Writing a request as JSON, and saying where in it something is that JSON cannot hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from headwater.errors import InvalidInputError

_KEYS = (str, int, float, bool, type(None))  # what json writes as a name


def to_json(body: Any) -> bytes:
    """Return the body as JSON; bytes are JSON already.

    Raises:
        InvalidInputError: JSON has no such value; ``errors`` has its pointer where that is known.
    """
    if isinstance(body, bytes):
        return body
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise InvalidInputError("the request nests too deeply to be written as JSON") from error
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
        pointer, message = next(_faults(body), ("", str(error)))
        raise InvalidInputError.at(pointer, f"cannot be written as JSON: {message}") from error


def _faults(body: Any) -> Iterator[tuple[str, str]]:
    """The pointer and fault of each value that JSON cannot hold; one met twice is told once."""
    seen: set[int] = set()
    waiting = [("", body)]
    while waiting:
        pointer, value = waiting.pop()
        if (message := _fault(value)) is not None:
            yield pointer, message
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            named = value.items() if isinstance(value, dict) else enumerate(value)
            inner = [(f"{pointer}/{_escaped(name)}", each) for name, each in named]
            waiting += reversed(inner)


def _fault(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return "NaN is not a number of JSON"
        return "infinity is not a number of JSON; a number beyond 1.8e308 is one, too"
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, dict):
        return next((fault for key in value if (fault := _fault_of_key(key)) is not None), None)
    if value is None or isinstance(value, (bool, int, float, list, tuple)):
        return None
    return f"JSON has no {type(value).__name__}; write it as text"


def _fault_of_key(key: Any) -> str | None:
    return _fault(key) if isinstance(key, _KEYS) else f"{key!r} cannot be a name in JSON"


def _fault_of_text(text: str) -> str | None:
    half = next((char for char in text if "\ud800" <= char <= "\udfff"), None)
    return None if half is None else f"{half!r} is half of a character (a surrogate), and no text"


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
