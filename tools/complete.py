"""Adds to generated classes what code generation cannot: both spellings, and the entity's class.

At run time ``headwater.document`` takes both spellings of arguments and attributes; no type
checker's plugin knows of that, so it is written out for them.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

PLAIN = {"Text": "str", "StrictBool": "bool", "Integer": "int"}
# Arguments of this type, and of enums, may be strings; the attribute never is one.
REFERENCE = r"(?:common\.)?EntityReference"


@dataclass(frozen=True, slots=True)
class Property:
    """One field of a generated class, with its type as source text."""

    name: str
    alias: str
    type: str
    required: bool


def class_names(text: str) -> list[str]:
    """Names of the classes that a module defines, in order."""
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]


def complete(text: str) -> str:
    """Give every model class an ``__init__`` with both spellings, and the wire's attributes.

    A create request also gets ``entity_class()``.
    """
    tree = ast.parse(text)
    lines = text.splitlines()
    # From the last class up: an insertion moves only what is below it.
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    enums = [node.name for node in classes if ast.unparse(node.bases[0]) == "StrEnum"]
    lenient = re.compile(rf"\b(?:{'|'.join([REFERENCE, *enums])})\b")
    for node in reversed(classes):
        if node.name not in enums:
            block = _entity_class(node, classes) + _block(list(_properties(node)), lenient)
            lines[node.end_lineno : node.end_lineno] = block
    return "from typing import TYPE_CHECKING\n" + "\n".join(lines) + "\n"


def _entity_class(node: ast.ClassDef, classes: list[ast.ClassDef]) -> list[str]:
    """How a create request names the class of what it makes; nothing for other classes."""
    entity = node.name.removeprefix("Create")
    if entity == node.name or entity not in [each.name for each in classes]:
        return []
    return [
        "    @classmethod",
        f'    def entity_class(cls) -> type["{entity}"]:',
        '        """The class of what the request makes."""',
        f"        return {entity}",
    ]


def _properties(node: ast.ClassDef) -> Iterator[Property]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            kind, alias = _unwrap(statement.annotation)
            yield Property(name, alias or name, kind, required=statement.value is None)


def _unwrap(annotation: ast.expr) -> tuple[str, str | None]:
    """The type below ``Annotated``, and the alias that its ``Field`` gives."""
    if not (isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated"):
        return _plain(ast.unparse(annotation)), None
    inner, *about = annotation.slice.elts  # type: ignore[attr-defined]  # Annotated has a tuple
    for call in about:
        for argument in call.keywords:
            if argument.arg == "alias":
                return _plain(ast.unparse(inner)), argument.value.value
    return _plain(ast.unparse(inner)), None


def _plain(text: str) -> str:
    for strict, plain in PLAIN.items():
        text = re.sub(rf"\b{strict}\b", plain, text)
    return text


def _block(properties: list[Property], lenient: re.Pattern[str]) -> list[str]:
    wired = [p for p in properties if p.alias != p.name and not keyword.iskeyword(p.alias)]
    arguments = []
    for each in properties:
        given = lenient.sub(lambda match: match[0] + " | str", each.type)
        if each not in wired:
            arguments.append(f"{each.name}: {given}" + ("" if each.required else " = ..."))
        else:
            arguments += [f"{each.name}: {given} = ...", f"{each.alias}: {given} = ..."]
    return [
        "    if TYPE_CHECKING:  # both spellings",
        *(f"        {each.alias}: {each.type}" for each in wired),
        f"        def __init__(self, *, {', '.join(arguments)}) -> None: ...",
    ]
