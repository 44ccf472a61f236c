"""What a column's type, as its database spells it, says in the catalog's words."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import DialectType
from sqlglot.errors import SqlglotError

_PLAIN = re.compile(r"(?P<name>[^(\[]+?)\s*(\((?P<arguments>[^()]*)\))?(?P<rest>\s[^(\[]*)?")
_ARRAY = re.compile(r"(?P<element>.+)\[\d*\]", re.DOTALL)
_DECIMAL = ("DECIMAL", "NUMERIC", "NUMBER", "FLOAT")
_TEXT = ("CHAR", "BINARY", "TEXT", "STRING", "BIT")
_LONGEST_DISPLAY = 4096


def type_fields(text: str, dialect: DialectType) -> dict[str, Any]:
    """Return the fields of a column that its type decides, by their names on the wire.

    ``dataType`` is the bare type in upper case, ``UNKNOWN`` for an empty text; ``dataTypeDisplay``
    is the text. Lengths are in the database's unit.
    """
    text = text.strip()
    if not text:
        return {"dataType": "UNKNOWN"}
    display = {"dataTypeDisplay": text[:_LONGEST_DISPLAY]}
    if array := _ARRAY.fullmatch(text):
        element = type_fields(array["element"], dialect)["dataType"]
        return {"dataType": "ARRAY", "arrayDataType": element, **display}
    plain = _PLAIN.fullmatch(text)
    if plain is None or plain["name"].upper() in ("ARRAY", "LIST", "STRUCT", "ROW"):
        return {**_nested(text, dialect), **display}
    name = " ".join((plain["name"] + (plain["rest"] or "")).upper().split())
    return {"dataType": name[:256], **display, **_sizes(name, plain["arguments"] or "")}


def _sizes(name: str, arguments: str) -> dict[str, int]:
    sizes = [int(size) for size in arguments.split(",") if size.strip().isdigit()]
    if sizes and any(word in name for word in _TEXT):
        return {"dataLength": sizes[0]}
    if sizes and name.startswith(_DECIMAL):
        return dict(zip(("precision", "scale"), sizes, strict=False))
    return {}


def _nested(text: str, dialect: DialectType) -> dict[str, Any]:
    """Fields of a type that has types within; of one that cannot be read, its first word."""
    fallback = {"dataType": (re.match(r"\w+", text) or ["UNKNOWN"])[0].upper()}
    try:
        kind = exp.DataType.build(text, dialect=dialect)
    except SqlglotError:
        return fallback
    if kind.is_type(exp.DType.ARRAY, exp.DType.LIST):
        element = kind.expressions[0].sql(dialect=dialect) if kind.expressions else ""
        return {"dataType": "ARRAY", "arrayDataType": type_fields(element, dialect)["dataType"]}
    if kind.is_type(exp.DType.STRUCT):
        children = [
            {"name": field.name, **type_fields(field.kind.sql(dialect=dialect), dialect)}
            for field in kind.expressions
            if isinstance(field, exp.ColumnDef) and field.kind is not None
        ]
        return {"dataType": "STRUCT", "children": children} if children else fallback
    return fallback
