"""What compiled code says: what it does, what it names; and whose code a module holds."""

from __future__ import annotations

import dis
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_INSTALLED = {"site-packages", "dist-packages"}
_STDLIB = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS"}
_ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "IMPORT_FROM"}
_OF_PYTHON = {"__module__", "__dict__", "__weakref__", "__qualname__", "__firstlineno__"}
_DERIVED = {"__static_attributes__", "__abstractmethods__", "_abc_impl", "_value2member_map_"}
_OF_PYDANTIC = {"__pydantic_fields__", "__pydantic_decorators__", "__pydantic_root_model__"}


@dataclass(frozen=True, slots=True)
class Names:
    """What code names, that of functions within it too.

    Attributes:
        read: Global names that it reads.
        bare: Those of them of which it does not at once take an attribute.
        attributes: Names of attributes of anything.
        imports: What it imports when it runs: how many packages above, and the module's name.
    """

    read: frozenset[str]
    bare: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[tuple[int, str]]


@lru_cache(1024)
def names_of(code: CodeType) -> Names:
    """Return what code names."""
    read, bare, attributes = set(), set(), set()
    imports = set()
    steps = list(dis.get_instructions(code))
    for at, each in enumerate(steps):
        if each.opname in _GLOBAL:
            read.add(each.argval)
            if steps[at + 1].opname not in _ATTRIBUTE:
                bare.add(each.argval)
        elif each.opname in _ATTRIBUTE:
            attributes.add(each.argval)
        elif each.opname == "IMPORT_NAME":
            imports.add((int(steps[at - 2].argval), each.argval))
    found = Names(*map(frozenset, (read, bare, attributes, imports)))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = names_of(constant)
            found = Names(
                found.read | inner.read,
                found.bare | inner.bare,
                found.attributes | inner.attributes,
                found.imports | inner.imports,
            )
    return found


def code_parts(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, without where it stands."""
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    table = getattr(code, "co_exceptiontable", b"")
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, table, names, shape, code.co_consts)


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


def is_of_library(value: Any, module: str | None) -> bool:
    """Whether a value is what a library's module calls by the value's name."""
    name = getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or not _is_library(module):
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


def imported(function: FunctionType, above: int, name: str) -> tuple[str, ModuleType | None]:
    """Return the full name of a module that a function imports, and the module if it is loaded."""
    if above:
        package = str(function.__globals__.get("__package__") or "").split(".")
        name = ".".join([*package[: len(package) - above + 1], *filter(None, [name])])
    return name, sys.modules.get(name)


@lru_cache(4096)
def _is_library(module: str) -> bool:
    top = module.partition(".")[0]
    if top in ("builtins", "headwater") or top.startswith("_cython_"):  # of Cython's functions
        return True
    loaded = sys.modules.get(module) or sys.modules.get(top)
    file = getattr(loaded, "__file__", None)
    if not file:
        return module != "__main__" and top in sys.stdlib_module_names
    folders = Path(file).parents
    return any(each.name in _INSTALLED or each in _STDLIB for each in folders)


@lru_cache(256)
def _version(top: str) -> str:
    if top in sys.stdlib_module_names:
        return ".".join(map(str, sys.version_info[:2]))
    told = getattr(sys.modules.get(top), "__version__", None)
    try:
        return told if isinstance(told, str) else version(top)
    except PackageNotFoundError:
        return ""
