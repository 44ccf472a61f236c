"""What tells whether a step would do the same again: hashes of code, of values, and of both."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from headwater.errors import HeadwaterError
from headwater.tracking.materializer import Materializer, type_name
from headwater.tracking.materializers import registry

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # another in every process
_MOST_CONTENT = 20_000_000
"""Bytes of an array or a frame in a module, beyond which its shape alone counts."""


def code_hash(function: Any) -> str:
    """Return the hash of what a function does, the same in every process of one Python release.

    It is of the compiled code, so that comments, layout and decorators do not count and no source
    file is needed; of defaults, annotations and the variables of the functions around it; and of
    what the code names in its module: values, functions and classes that the same module defines,
    decorated ones too, and what these name. Limits: functions and classes that are imported count
    by their name alone, objects of other modules' types that are not immutable by their type,
    arrays and frames of more than 20 MB by their shape; names that are put together at run time,
    attributes of modules, files, the environment and the data behind a connection do not count.
    Turn the cache off for a step that depends on them.

    Args:
        function: A function; of another callable, its class.
    """
    digest = hashlib.sha256()
    for part in _Code().parts(function):
        digest.update(hashlib.sha256(part.encode(errors="surrogatepass")).digest())
    return f"sha256:{digest.hexdigest()}"


def value_hash(value: Any) -> str:
    """Return the hash of a value, by the bytes that a materializer writes and by which one it is.

    Raises:
        InvalidInputError: No materializer writes the value.
    """
    return _hashed(registry.for_value(value), value)


def file_hash(path: str) -> str | None:
    """Return the hash of a file's content; None where there is no file that can be read."""
    try:
        with Path(path).expanduser().open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return None


def kind_of(value: Any) -> Any:
    """Return what JSON does not tell of a value that it can hold: types, and the order of names."""
    name = type_name(type(value))
    if isinstance(value, Mapping):
        return [name, [[key, kind_of(each)] for key, each in value.items()]]
    return [name, *map(kind_of, value)] if isinstance(value, (list, tuple)) else name


def cache_key(code: str, parameters: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Return what is equal for two calls of a step when the one's outputs are the other's.

    Args:
        code: The ``code_hash`` of the step.
        parameters: Values by name.
        inputs: Hashes of artifacts, by the name of the parameter that takes each.

    Raises:
        InvalidInputError: No materializer writes a parameter.
    """
    hashed = {name: value_hash(value) for name, value in parameters.items()}
    text = json.dumps([code, hashed, dict(inputs)], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _hashed(materializer: Materializer, value: Any) -> str:
    digest = hashlib.sha256(f"{materializer.data_type}\n".encode())
    digest.update(materializer.dump(value))
    return f"sha256:{digest.hexdigest()}"


class _Code:
    """Walks from a function to all that its module says of what it does, each once."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def parts(self, thing: Any) -> Iterator[str]:
        if self._is_seen(thing):
            yield "seen"
            return
        if isinstance(thing, FunctionType):
            yield from self._function(thing)
        elif isinstance(thing, type):
            yield from self._class(thing)
        else:
            yield from self._class(type(thing))

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield _ADDRESS.sub("", repr(sorted(function.__annotations__.items(), key=str)))
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
        for each in (*defaults, *_cells(function)):
            yield from self._value(each, function.__module__)
        names: set[str] = set()
        yield from _compiled(function.__code__, names)
        for name in sorted(names & set(function.__globals__)):
            yield name
            yield from self._named(function.__globals__[name], function.__module__)

    def _class(self, cls: type) -> Iterator[str]:
        yield cls.__qualname__
        for name, each in sorted(vars(cls).items()):
            inner = getattr(each, "__func__", getattr(each, "fget", each))
            if isinstance(inner, FunctionType):
                yield name
                yield from self.parts(inner)
            elif not name.startswith("__"):
                yield name
                yield from self._named(each, cls.__module__)

    def _value(self, value: Any, module: str) -> Iterator[str]:
        """A value that the function holds: by its content, as far as that can be told."""
        try:
            yield value_hash(value)
        except HeadwaterError:
            yield from self._named(value, module)

    def _named(self, value: Any, module: str) -> Iterator[str]:
        """A value that the code names: by content, and what the same module defines."""
        inner = _undecorated(value)
        if isinstance(inner, (FunctionType, type)):
            if inner.__module__ == module:
                yield from self.parts(inner)
            else:
                yield f"{inner.__module__}.{inner.__qualname__}"
            return
        yield type_name(type(value))
        if isinstance(value, (partial, dict, list, tuple, set, frozenset)):
            yield from self._held(value, module)
        elif type(value).__module__ == module:
            yield from self._object(value, module)
        else:
            yield _content(value)

    def _held(self, value: Any, module: str) -> Iterator[str]:
        """What a collection holds, or a function with some of its arguments."""
        if self._is_seen(value):
            yield "seen"
            return
        inside = _parts(value)
        try:  # at once, where all of it is plain
            yield value_hash(sorted(inside) if isinstance(value, (set, frozenset)) else inside)
        except (HeadwaterError, TypeError):
            parts = ["\n".join(self._named(each, module)) for each in inside]
            yield from sorted(parts) if isinstance(value, (set, frozenset)) else parts

    def _object(self, value: Any, module: str) -> Iterator[str]:
        """What an object of a class of the same module is and has."""
        if self._is_seen(value):
            yield "seen"
            return
        yield from self.parts(type(value))
        for name, each in sorted(getattr(value, "__dict__", {}).items()):
            yield name
            yield from self._named(each, module)

    def _is_seen(self, value: Any) -> bool:
        is_seen = id(value) in self._seen
        self._seen.add(id(value))
        return is_seen


def _parts(value: Any) -> list[Any]:
    """What a collection holds, in its order; names of a dictionary before its values."""
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.items()]
    return [*value, *value.values()] if isinstance(value, dict) else list(value)


def _undecorated(value: Any) -> Any:
    """The function that decorators, such as ``step``, put into something else."""
    try:
        return getattr(value, "__wrapped__", value)
    except Exception:  # noqa: BLE001  (objects that stand for others may raise anything)
        return value


def _content(value: Any) -> str:
    """A value of somebody else's type: what a materializer writes of it, else how it is shown."""
    if isinstance(value, re.Pattern):  # which shows its beginning
        return f"{value.pattern!r} {value.flags}"
    if isinstance(value, ModuleType):
        return value.__name__
    try:
        if _size(value) <= _MOST_CONTENT:
            return value_hash(value)
    except Exception:  # noqa: BLE001  (not to be written; anything may stand in a module)
        return _shown(value)
    return str(getattr(value, "shape", ""))


def _size(value: Any) -> int:
    """Bytes that an array or a frame takes, about; 0 of others."""
    estimate = getattr(value, "estimated_size", None)  # of polars
    usage = getattr(value, "memory_usage", None)
    if callable(usage):
        return int(usage().sum() if hasattr(value, "columns") else usage())
    return int(estimate() if callable(estimate) else getattr(value, "nbytes", 0))


def _shown(value: Any) -> str:
    """How an immutable value is shown, such as a date; attributes of others do not count."""
    by_value: Any = type(value).__hash__
    if by_value in (None, object.__hash__):
        return ""
    try:
        return _ADDRESS.sub("", repr(value))
    except Exception:  # noqa: BLE001  (as above)
        return ""


def _cells(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it is assigned later
            yield None


def _compiled(code: CodeType, names: set[str]) -> Iterator[str]:
    """The code and that of functions within it; adds the names that it uses."""
    names.update(code.co_names)
    yield repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars))
    yield repr((code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _compiled(constant, names)
        elif isinstance(constant, frozenset):  # in another order in every process
            yield repr(sorted(map(repr, constant)))
        else:
            yield repr(constant)
