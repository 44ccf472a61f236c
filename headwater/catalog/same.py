"""Equality as JSON has it: Python holds ``True`` and ``1`` equal, JSON keeps them apart."""

from __future__ import annotations

from typing import Any


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal."""
    return bool(a == b) and _alike(a, b)


def _alike(a: Any, b: Any) -> bool:
    """Whether two values that Python holds equal have their booleans in the same places."""
    if isinstance(a, dict):
        return all(_alike(value, b[name]) for name, value in a.items())
    if isinstance(a, list):
        return all(map(_alike, a, b))
    return isinstance(a, bool) == isinstance(b, bool)
