"""YAML as JSON has it: the core schema of YAML 1.2, so that ``no`` and ``12:30`` stay text."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar

import yaml

_TAG = "tag:yaml.org,2002:"
_CORE = (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("merge", r"<<", ["<"]),
)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either base
    """Reads the core schema; a key that stands twice is an error."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Make a dict of a mapping, once its keys are known to differ."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != _TAG + "merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return made


class _Dumper(yaml.SafeDumper):
    """Writes what both YAML 1.1 and 1.2 read as the same."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  (the base names it)
        """Write what occurs twice twice."""
        return True


for _name, _pattern, _first in _CORE:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)
_Loader.add_constructor(_TAG + "int", lambda loader, node: int(loader.construct_scalar(node)))
_Loader.add_constructor(_TAG + "float", lambda loader, node: float(loader.construct_scalar(node)))


def load_all(text: str) -> Iterator[Any]:
    """Yield every document of a text.

    Raises:
        yaml.YAMLError: It is not YAML.
    """
    yield from yaml.load_all(text, Loader=_Loader)


def nodes(text: str) -> Iterator[Any]:
    """Yield the node tree of every document, which knows the lines."""
    yield from yaml.compose_all(text, Loader=_Loader)


def dump(data: Any) -> str:
    """Write JSON-able data as YAML, in the order that it is in."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
