"""The hash of all that a value or a function is, and what of it cannot be told."""

from __future__ import annotations

import hashlib
import marshal
from collections import deque
from collections.abc import Iterable
from types import CodeType, EllipsisType, FunctionType, ModuleType
from typing import Any

from headwater.tracking.content_code import (
    attributes_of,
    cells,
    code_parts,
    imported,
    is_of_library,
    library_of,
    names_of,
)
from headwater.tracking.content_data import Blocks
from headwater.tracking.content_known import known
from headwater.tracking.content_state import attributes, state
from headwater.tracking.materializer import type_name

_PLAIN = {type(None), bool, int, float, complex, str, bytes, EllipsisType}
_MARSHAL = 2
"""The last format in which equal values are equal bytes: later ones tell what is one object."""


class Content:
    """Walks through a value and all that decides what it does, and hashes it on the way.

    Data count by type and content; functions and classes by their code and by what that names, as
    long as they are the user's own, and by name and version where they are of a library. Nothing
    counts that is another in the next process: addresses, the order of sets, where code stands.

    Attributes:
        unknown: What cannot be told, in words.
    """

    def __init__(self) -> None:
        """Begin."""
        self.unknown: list[str] = []
        self._digest = hashlib.sha256()
        self._seen: dict[
            tuple[int, str | None], tuple[int, Any]
        ] = {}  # objects too, so that no id is used again
        self._later: deque[tuple[str, Any]] = deque()
        self._where = ""

    def hash_of(self, value: Any) -> str:
        """Return the hash of a value."""
        try:
            self._add(value)
            self._finish()
        except RecursionError:
            self.unknown.append(f"uses {self._where or 'a value'}, which nests too deeply")
        return self._digest.hexdigest()

    # Tokens

    def _mark(self, word: str, number: int = 0) -> None:
        """Tell what comes; no plain value is written with this first byte."""
        self._digest.update(b"\xff%s %d\n" % (word.encode(), number))

    def _plain(self, value: Any) -> None:
        self._digest.update(marshal.dumps(value, _MARSHAL))

    def _is_seen(self, value: Any, part: str | None = None) -> bool:
        """Whether the value, or a part of it, was there before, which is said then."""
        key = (id(value), part)
        known = self._seen.get(key)
        if known is None:
            self._seen[key] = (len(self._seen), value)
            return False
        self._mark("seen", known[0])
        return True

    def _name_unknown(self, value: Any) -> None:
        name = type_name(type(value))
        self._mark("unknown")
        self._plain(name)
        where = self._where or "a value"
        self.unknown.append(f"uses {where}, of which the content is not known ({name})")

    # Values

    def _add(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self._plain(value)
        elif kind in _HANDLED:
            _HANDLED[kind](self, value)
        elif issubclass(kind, type):
            self._class(value)
        elif issubclass(kind, ModuleType):
            self._module(value, None)
        else:
            self._object(value)

    def _listed(self, value: list[Any] | tuple[Any, ...]) -> None:
        if type(value) is list and self._is_seen(value):
            return
        self._mark(type(value).__name__, len(value))
        if set(map(type, value)) <= _PLAIN:
            self._plain(value)
        else:
            for each in value:
                self._add(each)

    def _mapping(self, value: dict[Any, Any]) -> None:
        if self._is_seen(value):
            return
        self._mark("dict", len(value))
        for names_or_values in ([*value], [*value.values()]):
            self._listed(tuple(names_or_values))

    def _set(self, value: set[Any] | frozenset[Any]) -> None:
        """Elements by their hashes, since their order is chance."""
        self._mark(type(value).__name__, len(value))
        if set(map(type, value)) <= _PLAIN:
            found = [marshal.dumps(each, _MARSHAL) for each in value]
        else:
            found = list(map(self._apart, value))
        self._plain(tuple(sorted(found)))

    def _apart(self, value: Any) -> bytes:
        """The hash of a value by itself, after which it is as if it had not been looked at."""
        outer, before = (self._digest, self._later), len(self._seen)
        self._digest, self._later = hashlib.sha256(), deque()
        try:
            self._add(value)
            self._finish()
            return self._digest.digest()
        finally:
            self._digest, self._later = outer
            while len(self._seen) > before:
                self._seen.popitem()

    def _blocks(self, value: Blocks) -> None:
        inner = hashlib.sha256()
        for each in value.blocks:
            inner.update(each)
        self._plain(inner.digest())

    def _object(self, value: Any) -> None:
        cls = type(value)
        if library_of(cls.__module__) and _is_named(value):
            self._library(value.__module__, value.__qualname__)
            return
        if not _is_unchanging(cls) and self._is_seen(value):
            return
        self._mark("object")
        self._add(cls)
        parts = known(value)
        if parts is None:
            parts = state(value)
        if parts is None:
            self._name_unknown(value)
        else:
            self._add(parts)

    # Code

    def _library(self, module: str, name: str) -> None:
        self._mark("library")
        self._plain((library_of(module), name))

    def _function(self, function: FunctionType) -> None:
        if is_of_library(function, function.__module__):
            self._library(function.__module__, function.__qualname__)
        elif not self._is_seen(function):
            self._mark("function")
            self._later.append((self._where, function))

    def _class(self, cls: type) -> None:
        if is_of_library(cls, cls.__module__):
            self._library(cls.__module__, cls.__qualname__)
        elif not self._is_seen(cls):
            self._mark("class")
            self._later.append((self._where, cls))

    def _module(self, module: ModuleType, names: Iterable[str] | None) -> None:
        """A module: of the user's own, what is named of it."""
        name = module.__name__
        if library := library_of(name):
            self._mark("module")
            self._plain(library)
        elif names is None:
            self._where = self._where or name
            self._name_unknown(module)
        else:
            self._mark("own module")
            for each in sorted(set(names) & set(vars(module))):
                if not self._is_seen(module, each):
                    self._named(f"{name}.{each}", vars(module)[each], names)

    def _named(self, name: str, value: Any, attributes: Iterable[str] | None) -> None:
        """What code names, of its module or of another."""
        outer, self._where = self._where, name
        self._plain(name.rpartition(".")[2])
        if issubclass(type(value), ModuleType):
            self._module(value, attributes)
        else:
            self._add(value)
        self._where = outer

    def _finish(self) -> None:
        """Look into functions and classes, one after the other, since they may be many."""
        while self._later:
            self._where, value = self._later.popleft()
            if isinstance(value, type):
                self._add((type(value), value.__name__, value.__bases__, attributes_of(value)))
            else:
                self._inside(value)

    def _inside(self, function: FunctionType) -> None:
        """What a function is made of; of a library's, what was put into it."""
        own = attributes(function)
        if function.__globals__.get("__name__") == "functools" and "registry" in own:
            self._add(dict(own["registry"]))  # of ``singledispatch``, beside what it remembers
            return
        library = library_of(function.__globals__.get("__name__"))
        defaults = (function.__defaults__, function.__kwdefaults__, own)
        self._add(defaults)
        for name, each in cells(function):
            self._named(name, each, None)
        if library is not None:
            self._plain((library, function.__code__.co_qualname))
            return
        self._add(function.__annotations__)
        self._add(function.__code__)
        self._globals(function)

    def _globals(self, function: FunctionType) -> None:
        names = names_of(function.__code__)
        found = function.__globals__
        for name in sorted(names.read & set(found)):
            attributes = None if name in names.bare else names.attributes
            self._named(name, found[name], attributes)
        for above, name in sorted(names.imports):
            self._import(*imported(function, above, name), names.attributes)

    def _import(self, name: str, module: ModuleType | None, attributes: Iterable[str]) -> None:
        if module is not None:
            self._named(name, module, attributes)
        elif library_of(name) is None:
            self._mark("unknown")
            self.unknown.append(f"imports {name}, which is not loaded yet")

    def _code(self, code: CodeType) -> None:
        self._mark("code")
        self._add(code_parts(code))


def _is_named(value: Any) -> bool:
    try:
        return is_of_library(value, value.__module__)
    except Exception:  # noqa: BLE001  (objects that stand for others may raise anything)
        return False


def _is_unchanging(cls: type) -> bool:
    """Whether objects of a library's class are known by value, so that which is which is chance."""
    by_value: Any = cls.__hash__
    return by_value not in (None, object.__hash__) and library_of(cls.__module__) is not None


_HANDLED: dict[type, Any] = {
    tuple: Content._listed,
    list: Content._listed,
    dict: Content._mapping,
    set: Content._set,
    frozenset: Content._set,
    Blocks: Content._blocks,
    FunctionType: Content._function,
    CodeType: Content._code,
}
