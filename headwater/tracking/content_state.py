"""What an object is made of: its attributes, and what its type keeps beside them."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import MemberDescriptorType, ModuleType
from typing import Any

from headwater.tracking.content_code import library_of

_CONTENT: dict[type, Callable[[Any], Any]] = {
    int: int.__index__,
    float: float.__float__,
    complex: complex.__complex__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: frozenset(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}
"""What a value of a subclass holds as one of these, without the subclass's own say."""
_PICKLING = ("__reduce_ex__", "__reduce__", "__getstate__")
_POINTER = object.__basicsize__ // 2


def state(value: Any) -> tuple[Any, ...] | None:
    """Return all that tells an object from others of its class; None where that is not known.

    Code of the user's is not run for it: objects of the user's classes are their attributes.
    Those of libraries are what they are pickled as, where their class says what that is; what
    libraries raise when they do not pickle an object is raised.
    """
    cls = type(value)
    root = _root(cls)
    if _is_reduced(cls, root):
        return _reduced(value)
    if root is not object and root not in _CONTENT:
        return None
    inner = () if root is object else (_CONTENT[root](value),)
    return (*inner, *own(value))


def own(value: Any) -> tuple[Any, ...]:
    """Return what an object has of its own: attributes, and those in slots."""
    return (attributes(value), dict(_slots(value)))


def attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object itself, without asking its class."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    if type(found) is not dict:
        raise TypeError("attributes that its class makes up")
    return found


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    for cls in type(value).__mro__:
        for name, each in vars(cls).items():
            if "__slots__" in vars(cls) and type(each) is MemberDescriptorType:
                try:
                    yield name, each.__get__(value)
                except AttributeError:  # not set
                    continue


def _is_reduced(cls: type, root: type) -> bool:
    """Whether an object is known by what it is pickled as, of which a library decides."""
    if root in _CONTENT:
        return False
    if cls in copyreg.dispatch_table:
        return library_of(cls.__module__) is not None
    owners = {next(base for base in cls.__mro__ if name in vars(base)) for name in _PICKLING}
    if owners == {object}:
        return root is not object
    return all(library_of(each.__module__) is not None for each in owners)


def _reduced(value: Any) -> tuple[Any, ...] | None:
    cls = type(value)
    reduce = copyreg.dispatch_table.get(cls)
    told: Any = value.__reduce_ex__(4) if reduce is None else reduce(value)
    if isinstance(told, str):
        return (told,) if _is_called(value, told) else None
    held = [None if each is None else list(each) for each in told[3:5]]  # items, and pairs
    return (*told[:3], *held, *(() if library_of(cls.__module__) else own(value)))


def _is_called(value: Any, name: str) -> bool:
    """Whether a library's module has a value by a name, as pickling takes for granted."""
    return any(
        type(module) is ModuleType and vars(module).get(name) is value and library_of(each)
        for each, module in [*sys.modules.items()]
    )


def _root(cls: type) -> type:
    """The nearest base, or the class, whose objects have more to them than attributes."""
    chain = [cls]
    while (base := chain[-1].__base__) is not None:
        chain.append(base)
    for each, base in pairwise(chain):
        if each in _CONTENT:
            return each
        slots = vars(each).values() if "__slots__" in vars(each) else ()
        known = sum(type(slot) is MemberDescriptorType for slot in slots)
        known += bool(each.__dictoffset__) > bool(base.__dictoffset__)
        known += bool(each.__weakrefoffset__) > bool(base.__weakrefoffset__)
        grown = each.__basicsize__ - base.__basicsize__
        if grown > known * _POINTER or each.__itemsize__ != base.__itemsize__:
            return each
    return object
