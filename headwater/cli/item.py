"""Reading what ``apply`` is given: files and folders of YAML or JSON, with places for messages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from headwater.errors import InvalidInputError, NotFoundError

SUFFIXES = {".yaml", ".yml", ".json"}


class TextFile:
    """One file with documents."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def bodies(self) -> list[Any]:
        """Every document; the elements of a list count as documents of their own.

        Raises:
            InvalidInputError: It is neither JSON nor YAML.
        """
        if self.text.lstrip()[:1] in ("{", "["):
            try:
                return _flat(_json_documents(self.text))
            except ValueError as error:
                if self.name.endswith(".json"):
                    raise InvalidInputError(f"{self.name} is not JSON: {error}") from error
        return _flat(self._yaml_documents())

    def line(self, number: int, pointer: str) -> int | None:
        """The line of what a JSON pointer names in a document, or of the nearest thing around."""
        if number > len(self._nodes):
            return None
        node = self._nodes[number - 1]
        for step in pointer.split("/")[1:]:
            inner = _child(node, step.replace("~1", "/").replace("~0", "~"))
            if inner is None:
                break
            node = inner
        return int(node.start_mark.line) + 1

    def _yaml_documents(self) -> list[Any]:
        import yaml

        from headwater.cli.yaml_text import load_all

        try:
            return list(load_all(self.text))
        except yaml.YAMLError as error:
            raise InvalidInputError(self._fault(error)) from error

    def _fault(self, error: Any) -> str:
        """What is not YAML, where, and in what: PyYAML says it over several lines."""
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        start, context = getattr(error, "context_mark", None), getattr(error, "context", None)
        line = f", line {mark.line + 1}" if mark else ""
        around = f" {context} that starts in line {start.line + 1}" if start and context else ""
        return f"{self.name}{line} is not YAML: {problem or error}{around}"

    @cached_property
    def _nodes(self) -> list[Any]:
        """The documents' node trees; empty for the JSON that YAML does not read."""
        import yaml

        from headwater.cli.yaml_text import nodes

        found: list[Any] = []
        try:
            for root in nodes(self.text):
                found += root.value if isinstance(root, yaml.SequenceNode) else [root]
        except yaml.YAMLError:
            return []
        return [node for node in found if node.tag != "tag:yaml.org,2002:null"]


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a file. ``number`` counts from 1."""

    file: TextFile
    number: int
    body: Any

    def place(self, pointer: str = "") -> str:
        """Where it, or something in it, stands: for messages."""
        line = self.file.line(self.number, pointer)
        return f"{self.file.name}, document {self.number}" + (f", line {line}" if line else "")


def read_files(name: str) -> Iterator[TextFile]:
    """Yield the file of that name, every file below a folder, or stdin for ``-``.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: A file is not UTF-8 text.
    """
    if name == "-":
        yield TextFile("stdin", sys.stdin.read())
        return
    path = Path(name)
    files = [path] if not path.is_dir() else sorted(_below(path))
    for each in files:
        try:
            yield TextFile(str(each), each.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{each} is not UTF-8 text: {error.reason}") from error
        except OSError as error:
            raise NotFoundError(f"cannot read {each}: {error.strerror}") from error


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in SUFFIXES and path.is_file() and not hidden:
            yield path


def _json_documents(text: str) -> list[Any]:
    """JSON values that follow each other, as in JSON lines."""
    decoder = json.JSONDecoder(object_pairs_hook=_distinct)
    found, at = [], 0
    while at < len(text):
        value, end = decoder.raw_decode(text, at)
        found.append(value)
        at = len(text) - len(text[end:].lstrip())
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return made


def _flat(documents: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for document in documents:
        flat += document if isinstance(document, list) else [document]
    return [each for each in flat if each is not None]


def _child(node: Any, step: str) -> Any:
    if isinstance(node.value, str):
        return None
    for index, inner in enumerate(node.value):
        if isinstance(inner, tuple):
            if inner[0].value == step:
                return inner[1]
        elif str(index) == step:
            return inner
    return None
