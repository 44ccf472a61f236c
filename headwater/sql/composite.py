"""Parts that an expression takes of structs, lists, rows and JSON which the SQL itself makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

Key = str | int | None
"""A name, or a place counted from 0; None: another that is constant."""

_JSON_PATHS = (exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar)
_EXTRACTS = frozenset(
    (
        *("list_extract", "list_element", "array_extract", "struct_extract", "struct_extract_at"),
        *("map_extract", "map_extract_value", "element_at", "json_extract_path"),
        *("json_extract_path_text", "jsonb_extract_path", "jsonb_extract_path_text"),
        *("jsonb_path_query", "jsonb_path_query_array", "jsonb_path_query_first"),
    )
)
_PAIRS = frozenset(("json_build_object", "jsonb_build_object", "json_object"))
_LISTS = frozenset(("row", "list_value", "list_pack", "json_array", "json_build_array"))


def taken(node: exp.Expr | None) -> tuple[exp.Expr, Key] | None:
    """What a node takes a part of, and which; None for a node that does not, or as rows decide."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return node.this, node.expression.name
    if isinstance(node, exp.Bracket):
        return _by(node.this, node.expressions, first=0)  # as sqlglot counts
    if isinstance(node, (exp.StructExtract, *_JSON_PATHS)):
        return _by(node.this, [node.expression])
    if isinstance(node, exp.Anonymous) and node.name.lower() in _EXTRACTS and node.expressions:
        return _by(node.expressions[0], node.expressions[1:])
    return None


def chosen(node: exp.Expr) -> tuple[exp.Expr, bool] | None:
    """The part that a node takes of what it makes itself; False: one of those, nobody knows which.

    None for a node that does not.
    """
    of = taken(node)
    if of is None or not holds_parts(of[0]):
        return None
    part = _part(*of) if composes(of[0]) else None
    return (of[0], False) if part is None else (part, True)


def keys_of(column: exp.Column) -> list[Key]:
    """Which part is taken of a column, and of that, and so on."""
    keys: list[Key] = []
    at: exp.Expr = column
    while at.parent is not None:
        of = taken(at.parent)
        if of is not None and of[0] is at:
            keys.append(of[1])
        elif not isinstance(at.parent, exp.Paren):
            break
        at = at.parent
    return keys


def part_of(made: exp.Expr, keys: Iterable[Key]) -> exp.Expr | None:
    """The part of what is made that keys lead to; None: nobody knows which."""
    part: exp.Expr | None = made
    for key in keys:
        if part is None or not composes(part):
            break
        part = _part(part, key)
    return part


def composes(node: exp.Expr | None) -> bool:
    """Whether a node makes something of parts, or passes it on."""
    node = node.unnest() if node is not None else None
    if isinstance(node, (exp.Cast, exp.ToMap)):
        return composes(node.this)
    if isinstance(node, exp.Case):
        return any(map(composes, (node.args.get("default"), *node.args["ifs"])))
    if isinstance(node, exp.If):
        return composes(node.args["true"]) or composes(node.args.get("false"))
    if isinstance(node, exp.Coalesce):
        return any(map(composes, (node.this, *node.expressions)))
    if isinstance(node, exp.Array):
        return not any(
            isinstance(each, (exp.Query, exp.Comprehension)) for each in node.expressions
        )
    if isinstance(node, exp.Anonymous) and node.name.lower() in _PAIRS | _LISTS:
        return True
    of = taken(node)
    kinds = (exp.Struct, exp.Tuple, exp.Map, exp.JSONObject, exp.JSONArray)
    return isinstance(node, kinds) or (of is not None and composes(of[0]))


def holds_parts(node: exp.Expr) -> bool:
    """Whether something in a node gives names to parts, and may pass them on: ``max({'x': a})``."""
    return composes(node) or names_parts(node)


def names_parts(node: exp.Expr) -> bool:
    """The same without a node that is a list itself, of which others give some element."""
    return any(composes(each) for each in node.walk() if not isinstance(each.unnest(), exp.Array))


def source_of(node: exp.Expr) -> exp.Expr | None:
    """What a node takes a part of, and of that, and so on; None for a node that does not."""
    of = taken(node)
    while of is not None:
        node = of[0].unnest()
        of = taken(node)
        if of is None:
            return node
    return None


def _by(base: exp.Expr, keys: Sequence[exp.Expr], *, first: int = 1) -> tuple[exp.Expr, Key] | None:
    if any(key.find(exp.Column, exp.Query) for key in keys):
        return None
    if len(keys) != 1:
        return base, None
    key = keys[0]
    if isinstance(key, exp.JSONPath):
        (key, first) = (key.expressions[-1], 0) if len(key.expressions) == 2 else (key, 0)
    if isinstance(key, (exp.JSONPathKey, exp.JSONPathSubscript)):
        return base, key.this if isinstance(key.this, (str, int)) else None
    if key.is_string:
        return base, key.name
    return base, int(key.name) - first if isinstance(key, exp.Literal) and key.is_int else None


def _part(base: exp.Expr, key: Key) -> exp.Expr | None:
    base = base.unnest()
    of = taken(base)
    if of is not None:
        inner = _part(*of)
        return None if inner is None else _part(inner, key)
    if isinstance(key, int):
        places = _places(base)
        return places[key] if 0 <= key < len(places) else None
    named = [value for name, value in _named(base) if key is not None and name == _same(base, key)]
    return named[0] if len(named) == 1 else None


def _places(base: exp.Expr) -> list[exp.Expr]:
    called = base.name.lower() if isinstance(base, exp.Anonymous) else ""
    if isinstance(base, exp.Struct):
        return [e.expression if isinstance(e, exp.PropertyEQ) else e for e in base.expressions]
    is_list = isinstance(base, (exp.Array, exp.Tuple, exp.JSONArray)) or called in _LISTS
    return base.expressions if is_list else []


def _named(base: exp.Expr) -> list[tuple[str, exp.Expr]]:
    if isinstance(base, exp.ToMap):
        base = base.this
    pairs: Iterable[tuple[exp.Expr, exp.Expr]]
    if isinstance(base, exp.Map):
        keys, values = base.args.get("keys"), base.args.get("values")
        pairs = zip(keys.expressions, values.expressions, strict=False) if keys and values else ()
    elif isinstance(base, (exp.Struct, exp.JSONObject)):
        kinds = (exp.PropertyEQ, exp.JSONKeyValue)
        pairs = [
            (each.this, each.expression) for each in base.expressions if isinstance(each, kinds)
        ]
    elif isinstance(base, exp.Anonymous) and base.name.lower() in _PAIRS:
        pairs = zip(base.expressions[::2], base.expressions[1::2], strict=False)
    else:
        return []
    return [(_same(base, key.name), value) for key, value in pairs]


def _same(base: exp.Expr, name: str) -> str:
    """A name as it is compared: that of a struct's field without case."""
    return name.lower() if isinstance(base, exp.Struct) else name
