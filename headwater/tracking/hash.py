"""What tells whether a step would do the same again: hashes of code, of values, and of both."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from headwater.errors import HeadwaterError
from headwater.tracking.materializer import Materializer, type_name
from headwater.tracking.materializers import registry

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # another in every process
_CONSTANTS = frozenset({"bytes", "json", "text"})


def code_hash(function: Any) -> str:
    """Return the hash of what a function does, the same in every process of one Python release.

    It is of the compiled code, so that comments, layout and decorators do not count and no source
    file is needed; of defaults, annotations and the variables of the functions around it; and of
    what the code names in its module: constants, functions and classes that the same module
    defines, and what these name. Limits: what is imported from elsewhere counts by its name alone,
    and so do attributes of objects, names that are put together at run time, files, the environment
    and the data behind a connection. Turn the cache off for a step that depends on them.

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
        if id(thing) in self._seen:
            yield "seen"
            return
        self._seen.add(id(thing))
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
        """A value that the code names: constants by content, and what the same module defines."""
        if isinstance(value, (FunctionType, type)):
            if value.__module__ == module:
                yield from self.parts(value)
            else:
                yield f"{value.__module__}.{value.__qualname__}"
            return
        yield type_name(type(value))
        try:
            materializer = registry.for_value(value)
            if materializer.data_type in _CONSTANTS:
                yield _hashed(materializer, value)
        except HeadwaterError:
            return


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
