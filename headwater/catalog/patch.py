"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396) over plain documents."""

from __future__ import annotations

import copy
import re
from typing import Any

from headwater.catalog.same import same
from headwater.errors import ConflictError, InvalidInputError
from headwater.store.draft import dump

MAX_COPIED = 1_000_000
"""How much one patch may copy, in characters of JSON: copies of copies grow without end."""

OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")
INDEX = re.compile("0|[1-9][0-9]{0,17}")  # more digits than any list has elements


def apply_patch(document: Any, patch: Any) -> Any:
    """Return the patched document; neither argument is changed.

    Args:
        patch: A list is a JSON Patch, an object a merge patch.

    Raises:
        InvalidInputError: The patch is malformed or names a place that is not there.
        ConflictError: A ``test`` operation does not hold.
    """
    if isinstance(patch, dict):
        return _merge(document, patch)
    if not isinstance(patch, list):
        raise InvalidInputError("a patch is an array (RFC 6902) or an object (RFC 7396)")
    out, copied = copy.deepcopy(document), 0
    for index, operation in enumerate(patch):
        where = f"/{index}"
        if isinstance(operation, dict) and operation.get("op") == "copy":
            source = _find(out, _tokens(operation, "from", where), where)
            copied += len(dump(source))
            if copied > MAX_COPIED:
                raise InvalidInputError.at(where, f"a patch copies {MAX_COPIED} characters at most")
        out = _apply(out, operation, where)
    return out


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = _merge(out.get(name), value)
    return out


def _apply(document: Any, operation: Any, where: str) -> Any:
    if not isinstance(operation, dict) or operation.get("op") not in OPERATIONS:
        raise InvalidInputError.at(where, f"an operation has an op of {', '.join(OPERATIONS)}")
    op, path = operation["op"], _tokens(operation, "path", where)
    if op in ("add", "replace", "test") and "value" not in operation:
        raise InvalidInputError.at(where, f"{op} needs a value")
    if op == "test":
        if not same(_find(document, path, where), operation["value"]):
            raise ConflictError(f"the test at {where} does not hold: {operation['path']}")
        return document
    if op in ("move", "copy"):
        source = _tokens(operation, "from", where)
        value = copy.deepcopy(_find(document, source, where))
        if op == "move":
            if path[: len(source)] == source and path != source:
                raise InvalidInputError.at(where, "a value cannot move into itself")
            document = _remove(document, source, where)
        return _add(document, path, value, where)
    if op == "remove":
        return _remove(document, path, where)
    value = copy.deepcopy(operation["value"])
    if op == "replace":
        _find(document, path, where)
        return _replace(document, path, value, where)
    return _add(document, path, value, where)


def _tokens(operation: dict[str, Any], name: str, where: str) -> list[str]:
    pointer = operation.get(name)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise InvalidInputError.at(f"{where}/{name}", "is a JSON pointer such as /description")
    return [t.replace("~1", "/").replace("~0", "~") for t in pointer.split("/")[1:]]


def _find(document: Any, path: list[str], where: str) -> Any:
    for token in path:
        document = document[_step(document, token, where)]
    return document


def _step(holder: Any, token: str, where: str, *, end: bool = False) -> Any:
    """The key or index that a token names in an object or list that has it."""
    if isinstance(holder, dict) and (end or token in holder):
        return token
    if isinstance(holder, list):
        if end and token == "-":  # noqa: S105  (a pointer's token, no secret)
            return len(holder)
        if INDEX.fullmatch(token) and int(token) < len(holder) + end:
            return int(token)
    raise InvalidInputError.at(where, f"there is nothing at {token!r}")


def _add(document: Any, path: list[str], value: Any, where: str) -> Any:
    if not path:
        return value
    holder = _find(document, path[:-1], where)
    step = _step(holder, path[-1], where, end=True)
    if isinstance(holder, list):
        holder.insert(step, value)
    else:
        holder[step] = value
    return document


def _replace(document: Any, path: list[str], value: Any, where: str) -> Any:
    if not path:
        return value
    holder = _find(document, path[:-1], where)
    holder[_step(holder, path[-1], where)] = value
    return document


def _remove(document: Any, path: list[str], where: str) -> Any:
    if not path:
        raise InvalidInputError.at(where, "the whole document cannot be removed")
    holder = _find(document, path[:-1], where)
    del holder[_step(holder, path[-1], where)]
    return document
