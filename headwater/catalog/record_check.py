"""What a record must be before it is appended."""

from __future__ import annotations

import re
from typing import Any

from headwater.document import whole
from headwater.errors import InvalidInputError

OWN = frozenset({"follower", "vote", "lifecycle", "modelVersion", "tombstone"})
"""Types that other services write. They can be read, but for those that are secret."""
SECRET = frozenset({"token", "signIn"})
MAX_KEY = 256
MAX_RECORDS = 1000

_TYPE = re.compile(r"[a-z][A-Za-z0-9]{0,63}")


def check_type(type_: str, pointer: str = "", *, reads: bool = False) -> None:
    """Refuse a type of records that nobody can write, or, to ``reads``, that is none.

    Raises:
        InvalidInputError: It is so.
    """
    if _TYPE.fullmatch(type_) is None:
        raise InvalidInputError.at(
            pointer, f"{type_!r} is no type of record: letters and digits, the first in lower case"
        )
    if type_ in OWN | SECRET and not reads:
        message = f"records of type {type_!r} are written by what they record"
        raise InvalidInputError.at(pointer, message)


def check_record(item: Any, type_: str, pointer: str) -> tuple[str, int | None, dict[str, Any]]:
    """Return a record's key, its time where it has one, and its data.

    Raises:
        InvalidInputError: It is not valid, with a pointer to what of it.
    """
    if not isinstance(item, dict):
        raise InvalidInputError.at(pointer, "a record is an object with key, at and data")
    for name in item:
        if name not in ("key", "at", "data"):
            raise InvalidInputError.at(f"{pointer}/{name}", "a record has key, at and data")
    key, at, data = item.get("key", ""), whole(item.get("at")), item.get("data", {})
    if not isinstance(key, str) or len(key) > MAX_KEY:
        raise InvalidInputError.at(f"{pointer}/key", f"a key is text of up to {MAX_KEY} characters")
    if at is not None and (not isinstance(at, int) or isinstance(at, bool) or abs(at) >= 2**53):
        raise InvalidInputError.at(f"{pointer}/at", "a time in whole milliseconds since the epoch")
    if not isinstance(data, dict):
        raise InvalidInputError.at(f"{pointer}/data", "the data of a record is an object")
    value = data.get("value")
    if type_ == "metric" and (not isinstance(value, (int, float)) or isinstance(value, bool)):
        raise InvalidInputError.at(f"{pointer}/data/value", "a metric has a number as its value")
    return key, at, data
