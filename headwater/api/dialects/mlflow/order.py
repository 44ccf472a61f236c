"""The order of what a search shows, and the tokens that name where its next page begins."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.api.dialects.mlflow.error import MlflowError, invalid

Order = tuple[tuple[str, bool], ...]
"""Keys, most important first, each with whether it ascends."""
_CLAUSE = re.compile(
    r"\s*(?:attribute\.)?(?:`([^`]+)`|\"([^\"]+)\"|([^\s`\"]+))(?:\s+(ASC|DESC))?\s*",
    re.IGNORECASE,
)


def parse_order(clauses: Sequence[str], keys: Mapping[str, str], beside: Order) -> Order:
    """Return the order that some clauses mean, such as ``name DESC``.

    Args:
        keys: What the keys that can be asked for are called here.
        beside: What decides where they do not; keys that they have do not count.

    Raises:
        MlflowError: A clause is none, or a key is asked for twice.
    """
    asked: list[tuple[str, bool]] = []
    for clause in clauses:
        found = _CLAUSE.fullmatch(clause)
        key = found and (found[1] or found[2] or found[3])
        if found is None or key not in keys:
            valid = ", ".join(sorted(keys))
            raise invalid(f"Invalid order_by clause {clause[:80]!r}; valid keys are {valid}.")
        asked.append((keys[str(key)], (found[4] or "asc").lower() == "asc"))
    known = {key for key, _ in asked}
    if len(known) < len(asked):
        raise invalid("`order_by` contains duplicate fields.")
    return (*asked, *(each for each in beside if each[0] not in known))


def in_order(found: list[Any], order: Order, value: Callable[[Any, str], Any]) -> list[Any]:
    """Return things in an order, by their values of its keys."""

    def by(key: str) -> Callable[[Any], Any]:
        return lambda each: value(each, key)

    for key, ascends in reversed(order):
        found.sort(key=by(key), reverse=not ascends)
    return found


def token(where: str, value: Any) -> str:
    """A page token: where the next page begins, by ``offset`` or ``after`` a name."""
    return base64.b64encode(json.dumps({where: value}).encode()).decode()


def parse_token(text: str | None) -> tuple[int, str | None]:
    """Return the offset, and the name to go on after, of a page token.

    Raises:
        MlflowError: It is none that a search answered.
    """
    if not text:
        return 0, None
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except ValueError:
        found = None
    offset = found.get("offset", 0) if isinstance(found, dict) else None
    after = found.get("after") if isinstance(found, dict) else None
    if type(offset) is not int or offset < 0 or not isinstance(after, str | None):
        raise _bad_token()
    return offset, after


def _bad_token() -> MlflowError:
    return invalid("Invalid page token: it is none that a search answered.")
