"""The hash of all that a value or a function is, and what of it cannot be told."""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections import deque
from collections.abc import Hashable
from types import CodeType, EllipsisType, FunctionType, ModuleType
from typing import Any

from headwater.tracking.content_code import (
    Import,
    attributes_of,
    cells,
    code_parts,
    is_of_library,
    is_unchanging,
    library_of,
    names_of,
)
from headwater.tracking.content_data import Blocks
from headwater.tracking.content_known import is_data, known
from headwater.tracking.content_state import attributes, state
from headwater.tracking.materializer import type_name

_PLAIN = {type(None), bool, int, float, complex, str, bytes, EllipsisType}
_MOST_OBJECTS = 300_000
"""After some seconds of looking. Those in sets within sets count for more: there is no end to
objects that hold each other so."""
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

    def __init__(self, *, data: bool = True) -> None:
        """Begin.

        Args:
            data: Whether the content of arrays and frames counts, however large they are.
        """
        self._data = data
        self.unknown: list[str] = []
        self._digest = hashlib.sha256()
        self._seen: dict[Any, tuple[int, Any]] = {}  # and the objects, so that no id is used again
        self._later: deque[tuple[str, Any]] = deque()
        self._where = ""
        self._count = 0
        self._depth = 0  # of sets within sets

    def hash_of(self, value: Any) -> str:
        """Return the hash of a value."""
        try:
            self._add(value)
            self._finish()
        except RecursionError:
            self._tell("which nests too deeply")
        except _TooManyError:
            self._tell("which holds too many objects to look at each")
        except Exception as error:  # noqa: BLE001  (such as one whose content changes meanwhile)
            self._tell(f"which cannot be looked at: {type(error).__name__}")
        return self._digest.hexdigest()

    # Tokens

    def _mark(self, word: str, number: int = 0) -> None:
        """Tell what comes; no plain value is written with this first byte."""
        self._digest.update(b"\xff%s %d\n" % (word.encode(), number))

    def _plain(self, value: Any) -> None:
        self._digest.update(marshal.dumps(value, _MARSHAL))

    def _is_seen(self, value: Any, part: Hashable = None) -> bool:
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
        self._tell(f"of which the content is not known ({name})")

    def _tell(self, why: str) -> None:
        self.unknown.append(f"uses {self._where or 'a value'}, {why}")

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
        is_plain = set(map(type, value)) <= _PLAIN
        if not (is_plain and type(value) is tuple) and self._is_seen(value):
            return
        self._mark(type(value).__name__, len(value))
        if is_plain:
            self._plain(value)
        else:
            for each in value:
                self._add(each)

    def _mapping(self, value: dict[Any, Any]) -> None:
        if not self._is_seen(value):
            self._mark("dict", len(value))
            self._listed(tuple(value))
            self._listed(tuple(value.values()))

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
        self._depth += 1
        try:
            self._add(value)
            self._finish()
            return self._digest.digest()
        finally:
            self._depth -= 1
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
        if library_of(cls.__module__) and is_of_library(value):
            self._library(value.__module__, value.__qualname__)
            return
        if not is_unchanging(cls) and self._is_seen(value):
            return
        self._count += max(1, self._depth**2)
        if self._count > _MOST_OBJECTS:
            raise _TooManyError
        self._mark("object")
        self._add(cls)
        if not self._data and is_data(cls):
            return
        parts = _parts(value)
        if parts is None:
            self._name_unknown(value)
        else:
            self._add(parts)

    # Code

    def _library(self, module: str, name: str) -> None:
        self._mark("library")
        self._plain((library_of(module), name))

    def _function(self, function: FunctionType) -> None:
        if library_of(function.__globals__.get("__name__")) and is_of_library(function):
            self._library(function.__module__, function.__qualname__)
        elif not self._is_seen(function):
            self._mark("function")
            self._later.append((self._where, function))

    def _class(self, cls: type) -> None:
        if is_of_library(cls):
            self._library(cls.__module__, cls.__qualname__)
        elif not self._is_seen(cls):
            self._mark("class")
            self._later.append((self._where, cls))

    def _module(self, module: ModuleType, names: frozenset[str] | None) -> None:
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
            for each in sorted((names | {"__getattr__"}) & set(vars(module))):
                value = vars(module)[each]
                part = (each, names) if issubclass(type(value), ModuleType) else each
                if not self._is_seen(module, part):
                    self._named(f"{name}.{each}", value, names)

    def _named(self, name: str, value: Any, attributes: frozenset[str] | None) -> None:
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
        self._add((function.__defaults__, function.__kwdefaults__, own))
        names = names_of(function.__code__)
        for name, each in cells(function):
            self._named(name, each, names.taken_of(name))
        if library is not None:
            self._plain((library, function.__code__.co_qualname))
            return
        self._add((function.__annotations__, function.__code__))
        for name in sorted(names.read & set(function.__globals__)):
            self._named(name, function.__globals__[name], names.taken_of(name))
        for wanted in sorted(names.imports):
            self._import(wanted, function, names.taken_of(wanted.variable))

    def _import(self, wanted: Import, function: FunctionType, named: frozenset[str] | None) -> None:
        """What a function imports when it runs; nothing is imported to look at it."""
        name = wanted.module_of(function)
        module = sys.modules.get(name)
        if library_of(name):
            self._library(name, "")
        elif module is None:
            self._unloaded(name)
        else:
            self._named(name, module, named)
            for each in sorted(set(wanted.parts) - set(vars(module))):
                self._unloaded(f"{name}.{each}")

    def _unloaded(self, name: str) -> None:
        self._mark("unknown")
        self.unknown.append(f"imports {name}, which is not loaded yet")

    def _code(self, code: CodeType) -> None:
        self._mark("code")
        self._add(code_parts(code))


class _TooManyError(Exception):
    """There are more objects than can be looked at."""


def _parts(value: Any) -> tuple[Any, ...] | None:
    try:
        found = known(value)
        return state(value) if found is None else found
    except Exception:  # noqa: BLE001  (libraries say in many ways that they cannot tell)
        return None


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
