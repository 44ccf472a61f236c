"""What compiled code says: what it does, what it names; and whose code a module holds."""

from __future__ import annotations

import dis
import marshal
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

_INSTALLED = {"site-packages", "dist-packages"}
_STDLIB = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_LOCAL = {"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FAST_BORROW"}
_ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "IMPORT_FROM"}
_OF_PYTHON = {"__module__", "__dict__", "__weakref__", "__qualname__", "__firstlineno__"}
_DERIVED = {"__static_attributes__", "__abstractmethods__", "_abc_impl", "_value2member_map_"}
_OF_PYDANTIC = {"__pydantic_fields__", "__pydantic_decorators__", "__pydantic_root_model__"}


@dataclass(frozen=True, slots=True, order=True)
class Import:
    """What code imports when it runs.

    Attributes:
        above: How many packages above its own.
        name: Of the module, from there.
        variable: What the code calls the module; empty where it takes parts of it.
        parts: Which parts.
    """

    above: int
    name: str
    variable: str
    parts: tuple[str, ...]

    def module_of(self, function: FunctionType) -> str:
        """Return the module's full name, for a function that imports it."""
        if not self.above:
            return self.name
        package = str(function.__globals__.get("__package__") or "").split(".")
        above = package[: len(package) - self.above + 1]
        return ".".join([*above, *filter(None, [self.name])])


@dataclass(frozen=True, slots=True)
class Names:
    """What code names, that of functions within it too.

    Attributes:
        read: Global names that it reads, and some of others.
        bare: Variables of which it does not at once take an attribute.
        attributes: Names of attributes of anything.
        imports: What it imports.
    """

    read: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    imports: frozenset[Import] = frozenset()

    def taken_of(self, variable: str) -> frozenset[str] | None:
        """Return what may be attributes of a variable; None where it is used otherwise, too."""
        return None if variable in self.bare else self.attributes

    def __or__(self, other: Names) -> Names:
        """Return the names of both."""
        return Names(
            self.read | other.read,
            self.bare | other.bare,
            self.attributes | other.attributes,
            self.imports | other.imports,
        )


@lru_cache(1024)
def names_of(code: CodeType) -> Names:
    """Return what code names."""
    steps = [each for each in dis.get_instructions(code) if each.opname != "EXTENDED_ARG"]
    read = {each.argval for each in steps if each.opname in _GLOBAL}
    bare = {
        each.argval
        for each, after in pairwise(steps)
        if each.opname in _GLOBAL | _LOCAL and after.opname not in _ATTRIBUTE
    }
    attributes = {each.argval for each in steps if each.opname in _ATTRIBUTE}
    imports = {_import(steps, at) for at, each in enumerate(steps) if each.opname == "IMPORT_NAME"}
    found = Names(frozenset(read), frozenset(bare), frozenset(attributes), frozenset(imports))
    inner = (names_of(each) for each in code.co_consts if isinstance(each, CodeType))
    return reduce(Names.__or__, inner, found)


def _import(steps: Sequence[dis.Instruction], at: int) -> Import:
    """An import, before which its level and its parts are put on the stack."""
    parts = steps[at - 1].argval or ()
    is_kept = not parts and steps[at + 1].opname.startswith("STORE_")
    variable = steps[at + 1].argval if is_kept else ""
    return Import(int(steps[at - 2].argval), steps[at].argval, variable, tuple(parts))


def code_parts(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, without where it stands."""
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    table = getattr(code, "co_exceptiontable", b"")
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    # As bytes, since which equal tuples are one object is the compiler's choice.
    constants = [marshal.dumps(x, 2) if type(x) is tuple else x for x in code.co_consts]
    return (code.co_code, table, names, shape, constants)


def cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the variables of the functions around a function that it uses."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # it is assigned later
            yield name, None


def attributes_of(cls: type) -> dict[str, Any]:
    """Return what a class defines, without what Python and pydantic derive from that."""
    return {
        name: each
        for name, each in sorted(vars(cls).items())
        if name not in _OF_PYTHON | _DERIVED
        and (name in _OF_PYDANTIC or not name.startswith("__pydantic_"))
    }


def library_of(module: str | None) -> str | None:
    """Return the name and version of the library that a module is of; None of the user's own."""
    if not isinstance(module, str) or not _is_library(module):
        return None
    return f"{module} {_version(module.partition('.')[0])}"


def is_of_library(value: Any) -> bool:
    """Return whether a value is what a library's module calls by the value's name."""
    try:
        module, path = value.__module__, value.__qualname__.split(".")
        if library_of(module) is None:
            return False
        return reduce(getattr, path, sys.modules[module]) is value
    except Exception:  # noqa: BLE001  (objects that stand for others may raise anything)
        return False


def is_unchanging(cls: type) -> bool:
    """Return whether a library's objects are known by value, so that which is which is chance."""
    by_value: Any = cls.__hash__
    return by_value not in (None, object.__hash__) and library_of(cls.__module__) is not None


@lru_cache(4096)
def _is_library(module: str) -> bool:
    top = module.partition(".")[0]
    if top in ("builtins", "headwater") or top.startswith("_cython_"):  # of Cython's functions
        return True
    place = _place(module, top)
    if not place:
        return module != "__main__" and top in sys.stdlib_module_names
    folders = (Path(place), *Path(place).parents)
    return any(each.name in _INSTALLED or each in _STDLIB for each in folders)


def _place(module: str, top: str) -> str | None:
    """Where a module is read from; the package of one that is not loaded, which stays so."""
    loaded = sys.modules.get(module) or sys.modules.get(top)
    if loaded is None:
        try:
            spec = find_spec(top)
        except (ImportError, ValueError):
            return None
        return None if spec is None or not spec.has_location else spec.origin
    held = vars(loaded)  # without what modules make up when they are asked
    return held.get("__file__") or next(iter(held.get("__path__", ())), None)


@lru_cache(256)
def _version(top: str) -> str:
    if top in sys.stdlib_module_names:
        return ".".join(map(str, sys.version_info[:2]))
    told = vars(sys.modules[top]).get("__version__") if top in sys.modules else None
    if isinstance(told, str):
        return told
    try:
        return version(top)
    except PackageNotFoundError:
        return ", ".join(map(version, packages_distributions().get(top, ())))
