"""Values that JSON can hold: what metadata and parameters are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from headwater.errors import InvalidInputError

_MOST_JSON = 10_000
"""Characters that a parameter has as JSON; what is longer is kept as an artifact, or not at all."""


def plain(value: Any, path: str) -> Any:
    """Return a value as JSON has it; a NumPy scalar as the number that it is.

    Args:
        value: What is to be kept.
        path: Where it stands, for the message.

    Raises:
        InvalidInputError: JSON has no such value; the message names the path and the type.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return _builtin(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, Mapping):
        return {_key(name, path): plain(each, f"{path}.{name}") for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, f"{path}[{index}]") for index, each in enumerate(value)]
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return plain(value.item(), path)
    what = f"the number {value}" if isinstance(value, float) else _name(type(value))
    raise InvalidInputError(
        f"{path} is {what}, which JSON cannot hold; numbers, texts, true and false, None, lists and"
        " mappings are kept, and NumPy's scalars"
    )


def is_plain(value: Any) -> bool:
    """Whether JSON can hold a value as it is."""
    try:
        plain(value, "")
    except (InvalidInputError, RecursionError):
        return False
    return True


def is_parameter(value: Any) -> bool:
    """Whether a value is small and JSON, so that a run or step keeps it as a parameter."""
    if value is None or isinstance(value, (bool, int, float)):
        return is_plain(value)
    return is_plain(value) and len(json.dumps(plain(value, ""))) <= _MOST_JSON


def _builtin(value: Any) -> Any:
    """The value without what an enumeration or another subclass adds."""
    for kind in (bool, int, str):
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    return value


def _key(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise InvalidInputError(f"a key of {path} is {name!r}; keys are texts")
    return str(name)


def _name(cls: type) -> str:
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
