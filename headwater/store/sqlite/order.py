"""Node ids as short keys in the same order: half of what indexes of edges hold."""

from __future__ import annotations

import re
from functools import lru_cache

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DASHES = (8, 13, 18, 23)
_LENGTH = 36
_HEX = "0123456789abcdef"


@lru_cache(maxsize=4096)
def rank(node_id: str) -> bytes | str:
    """What stands for an id where only its place among others counts.

    A UUID is its 16 bytes. Any other text follows the greatest UUID below it, so that the order
    among all is that of their texts; what is below every UUID stays text, which SQLite puts before
    bytes. No two ids have the same.
    """
    if _UUID.fullmatch(node_id):
        return bytes.fromhex(node_id.replace("-", ""))
    below = _greatest_uuid_below(node_id)
    return node_id if below is None else below + node_id.encode()


def _greatest_uuid_below(text: str) -> bytes | None:
    digits = ""  # of the UUIDs that begin as the text does
    for place in range(_LENGTH):
        char = text[place : place + 1]  # nothing behind the end, which is below everything
        allowed = "-" if place in _DASHES else _HEX
        if char and char in allowed:
            digits += char.removeprefix("-")
            continue
        lower = [each for each in allowed if each < char]
        if lower:
            digits += lower[-1].removeprefix("-")
        elif int(digits or "0", 16):
            digits = f"{int(digits, 16) - 1:0{len(digits)}x}"
        else:
            return None
        break
    return bytes.fromhex(digits.ljust(32, "f"))
