"""Reading a request's JSON, more strictly than parsers do: one meaning, or status 400."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from starlette.types import Receive

from headwater.api.errors import RequestError, malformed

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


async def read(receive: Receive) -> bytes:
    """Return the whole body; its size is bounded by the guard.

    Raises:
        RequestError: The client went away.
    """
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise malformed("the client went away before the body was complete")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def parse(raw: bytes, *, max_nesting: int) -> Any:
    """Return the value that the JSON text means.

    Refused beside what RFC 8259 forbids: a name twice in one object, numbers beyond double
    precision's range, text that is not Unicode, and more than ``max_nesting`` levels.

    Raises:
        RequestError: Status 400; the message says where where that is known.
    """
    if not raw:
        raise malformed("a JSON body is needed, and there is none")
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise malformed(f"the body is not UTF-8: byte {error.start} begins no character") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise malformed(f"the body is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise _too_deep(max_nesting) from None
    except ValueError as error:  # a number of more digits than Python takes
        raise malformed(f"the body cannot be read: {error}") from None
    if raw.count(b"{") + raw.count(b"[") > max_nesting and _is_deeper(value, max_nesting):
        raise _too_deep(max_nesting)
    if _HALF.search(raw):
        _refuse_halves(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = Counter(name for name, _ in pairs)
        raise malformed(f"{names.most_common(1)[0][0]!r} stands twice in one object of the body")
    return out


def _refuse_constant(name: str) -> NoReturn:
    raise malformed(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise malformed(f"the number {text[:40]} is out of range")
    return value


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        level = [
            inner
            for holder in level
            for inner in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _too_deep(limit: int) -> RequestError:
    return malformed(f"the body nests arrays and objects more than {limit} levels deep")


def _refuse_halves(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise malformed(
            "the body spells half of a character: a surrogate (\\ud800 to \\udfff) without its pair"
        ) from None
