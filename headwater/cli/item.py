"""Reading what ``apply`` is given: files and folders of YAML or JSON, with places for messages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from headwater.cli.yaml_text import YamlText  # loaded when there is something to read

SUFFIXES = {".yaml", ".yml", ".json"}


class TextFile:
    """One file with documents."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def items(self) -> list[Item]:
        """Every document; the elements of a list count as documents of their own.

        Raises:
            InvalidInputError: It is neither JSON nor YAML; ``details`` has the ``line``, if known.
        """
        makers = self._makers()
        return [Item(self, number, make) for number, make in enumerate(makers, 1)]

    def line(self, number: int, pointer: str) -> int | None:
        """The line of what a JSON pointer names in a document, or of the nearest thing around."""
        nodes = self._yaml_or_none.nodes if self._yaml_or_none else []
        if number > len(nodes):
            return None
        node = nodes[number - 1]
        for step in pointer.split("/")[1:]:
            inner = _child(node, step.replace("~1", "/").replace("~0", "~"))
            if inner is None:
                break
            node = inner
        return int(node.start_mark.line) + 1

    def _makers(self) -> list[Callable[[], Any]]:
        """What makes each document's value."""
        import yaml

        if self.text.lstrip()[:1] in ("{", "["):
            try:
                return [partial(_same, value) for value in _flat(_json_documents(self.text))]
            except RecursionError as error:
                raise InvalidInputError("nests too deeply to be read") from error
            except ValueError as error:
                if self.name.endswith(".json"):
                    line = getattr(error, "lineno", None)
                    raise InvalidInputError(f"is not JSON: {error}", line=line) from error
        try:
            return [partial(self._value, node) for node in self._yaml.nodes]
        except yaml.YAMLError as error:
            raise _fault("is not YAML: ", error, self.text) from error

    def _value(self, node: Any) -> Any:
        import yaml

        try:
            return self._yaml.value(node)
        except yaml.YAMLError as error:
            raise _fault("", error, self.text) from error

    @cached_property
    def _yaml(self) -> YamlText:
        from headwater.cli.yaml_text import YamlText

        return YamlText(self.text)

    @cached_property
    def _yaml_or_none(self) -> YamlText | None:
        """The text as YAML; None for the JSON that YAML does not read."""
        import yaml

        try:
            return self._yaml
        except yaml.YAMLError:
            return None


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a file.

    Attributes:
        number: Its place in the file, from 1.
        body: Makes its value. Raises ``InvalidInputError``, with the ``line``, when there is none.
    """

    file: TextFile
    number: int
    body: Callable[[], Any]

    def place(self, pointer: str = "", *, line: int | None = None) -> str:
        """Where it, or something in it, stands: for messages.

        Args:
            pointer: JSON pointer of the thing.
            line: The line, where that is known better.
        """
        line = line or self.file.line(self.number, pointer)
        return f"{self.file.name}, document {self.number}" + (f", line {line}" if line else "")


def find_files(name: str) -> list[str]:
    """Return the names of every file below a folder; a file's name and ``-`` are themselves.

    Raises:
        InvalidInputError: A folder has no such file.
    """
    path = Path(name)
    if name == "-" or not path.is_dir():
        return [name]
    found = sorted(_below(path))
    if not found:
        raise InvalidInputError(f"there is no {', '.join(sorted(SUFFIXES))} file in {name}")
    return [str(each) for each in found]


def read_file(name: str) -> TextFile:
    """Read a file, or stdin for ``-``.

    Raises:
        NotFoundError: It cannot be read.
        InvalidInputError: It is not UTF-8 text.
    """
    try:
        # Bytes, since the decoding of stdin depends on the environment.
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return TextFile("stdin" if name == "-" else name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"is not UTF-8 text: {error.reason}", line=line) from error
    except OSError as error:
        raise NotFoundError(f"cannot be read: {error.strerror}") from error


def place_of(name: str, error: HeadwaterError) -> str:
    """Where a file cannot be read: for messages."""
    line = error.details.get("line")
    return ("stdin" if name == "-" else name) + (f", line {line}" if line else "")


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in SUFFIXES and path.is_file() and not hidden:
            yield path


def _json_documents(text: str) -> list[Any]:
    """JSON values that follow each other, as in JSON lines."""
    decoder = json.JSONDecoder(object_pairs_hook=_distinct)
    found, at = [], len(text) - len(text.lstrip())
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


def _same(value: Any) -> Any:
    return value


def _fault(start: str, error: Any, text: str) -> InvalidInputError:
    """What is wrong, where, and in what: PyYAML says it over several lines."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    around, context = getattr(error, "context_mark", None), getattr(error, "context", None)
    line = mark.line + 1 if mark else None
    if (position := getattr(error, "position", None)) is not None:  # a character YAML has not
        problem, line = error.reason, text.count("\n", 0, position) + 1
    where = f" {context} that starts in line {around.line + 1}" if around and context else ""
    if problem == "mapping values are not allowed in this context":
        where = ": a colon too many; text with a colon in it stands in quotes"
    return InvalidInputError(f"{start}{problem or error}{where}", line=line)


def _child(node: Any, step: str) -> Any:
    """What a step of a pointer leads to; in a mapping the last counts, which is no merged one."""
    if isinstance(node.value, str):
        return None
    found = None
    for index, inner in enumerate(node.value):
        if isinstance(inner, tuple):
            if inner[0].value == step:
                found = inner[1]
        elif str(index) == step:
            return inner
    return found
