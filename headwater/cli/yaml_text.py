"""YAML as JSON has it: the core schema of YAML 1.2, so that ``no`` and ``12:30`` stay text."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

_TAG = "tag:yaml.org,2002:"
_CORE = (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        [*"-+.0123456789"],
    ),
    ("merge", r"<<", ["<"]),
)


_MOST_LEVELS = 200
"""How deep a text may nest: far below where its parser breaks, above what a server takes."""

_MOST_CHARACTERS = 20_000_000
"""How large a document may become by its aliases: above what a server takes."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either base
    """Reads the core schema."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


class _Dumper(yaml.SafeDumper):
    """Writes what both YAML 1.1 and 1.2 read as the same."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  (the base names it)
        """Write what occurs twice twice."""
        return True


for _name, _pattern, _first in _CORE:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


def _integer(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _number(loader: Any, node: Any) -> float:
    return float(re.sub(r"\.(?=[a-zA-Z])", "", loader.construct_scalar(node)))


_Loader.add_constructor(_TAG + "int", _integer)
_Loader.add_constructor(_TAG + "float", _number)


class YamlText:
    """The documents of a text, which can be made one by one.

    Attributes:
        nodes: A tree for each document, which knows the lines. The elements of a list count as
            documents of their own; what is null is left out.
    """

    def __init__(self, text: str) -> None:
        """Read the text.

        Raises:
            yaml.YAMLError: It is not YAML.
        """
        _refuse_depth(text)
        found: list[Any] = []
        for root in yaml.compose_all(text, Loader=_Loader):
            found += root.value if isinstance(root, yaml.SequenceNode) else [root]
        self.nodes = [node for node in found if node.tag != _TAG + "null"]
        self._sizes: dict[Any, int] = {}
        self._most = max(_MOST_CHARACTERS, 2 * len(text))

    def value(self, node: Any) -> Any:
        """Make the value of a document.

        Raises:
            yaml.YAMLError: A key stands twice, an alias is within what it names, or aliases make
                the document too large.
        """
        if self._size(node) > self._most:
            raise _error(f"aliases make it larger than {self._most} characters", node)
        try:
            return _Loader("").construct_document(node)
        except ValueError as error:  # an integer of more digits than Python reads
            raise _error(str(error), node) from error

    def _size(self, document: Any) -> int:
        """How many characters a node has with every alias followed; its mappings are checked.

        Nodes are measured once, before constructing follows `<<` in place.
        """
        around: set[Any] = set()
        waiting = [document]
        while waiting:
            node = waiting[-1]
            inner = _inner(node)
            if node in self._sizes:
                waiting.pop()
            elif node in around:
                around.remove(node)
                self._sizes[node] = 1 + sum(self._sizes[each] for each in inner)
            elif isinstance(node, yaml.ScalarNode):
                self._sizes[node] = 1 + len(node.value)
            else:
                _refuse_double_keys(node)
                around.add(node)
                if any(each in around for each in inner):
                    raise _error("an alias within what it names", node)
                waiting += inner
        return self._sizes[document]


def _refuse_depth(text: str) -> None:
    """Refuse what nests too deep, before the parser's recursion meets it."""
    level = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > _MOST_LEVELS:
                raise _error(f"more than {_MOST_LEVELS} levels within each other", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def _refuse_double_keys(node: Any) -> None:
    keys = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    seen: set[str] = set()
    for key in keys:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _TAG + "merge":
            continue
        if key.value in seen:
            raise _error(f"the key {key.value!r} stands twice", key)
        seen.add(key.value)


def _inner(node: Any) -> list[Any]:
    if isinstance(node, yaml.ScalarNode):
        return []
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value)


def _error(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, place.start_mark)


def dump(data: Any) -> str:
    """Write JSON-able data as YAML, in the order that it is in."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
