"""Checks a create request and says what is wrong, where.

Kinds that ship have a generated class; those of an organisation's folder, the schema alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headwater.catalog.keyed import identity
from headwater.catalog.same import same
from headwater.errors import InvalidInputError
from headwater.generated import CREATE_REQUESTS
from headwater.names import check_name, escape
from headwater.schemas import Kind, extension_file
from headwater.schemas.kind import Field, Shape
from headwater.schemas.runtime import Fault, faults
from headwater.store.draft import Document, dump

SECRET_NAME = re.compile(r"passw|secret|token|credential|private.?key|access.?key|api.?key", re.I)
FRIENDLY = {"missing": "is required", "extra_forbidden": "is not a property of this type"}


def check_request(kind: Kind, body: Any) -> Document:
    """Return the request without what only the catalog sets, names in NFC.

    The body is what the wire carried, parsed; it is not changed. Nulls stay: a merge removes what
    they stand for.

    Raises:
        InvalidInputError: It is not a create request of the kind; every fault has its pointer.
    """
    if found := _faults(kind, body):
        raise _refusal(kind, found)
    request: Document = {**body, "name": check_name(body["name"])}
    for field in kind.shape.fields.values():
        value = request.get(field.name)
        if value is None:
            continue
        if field.shape:
            request[field.name] = _clean(field.shape, value, f"/{field.name}")
        elif field.reference and field.is_list:
            request[field.name] = list(value)  # resolving replaces them there
        if field.secret:
            _check_secrets(value, f"/{field.name}")
    return request


def _faults(kind: Kind, body: Any) -> list[Fault]:
    extension = body.get("extension") if isinstance(body, dict) else None
    found = _own_faults(kind, body)
    if isinstance(extension, dict):
        found += [each for each in _extension_faults(kind, extension) if each not in found]
    return found


def _own_faults(kind: Kind, body: Any) -> list[Fault]:
    request = CREATE_REQUESTS.get(kind.name)
    if request is None:
        return faults(kind.file, f"Create{kind.title}", body)
    try:
        request.__pydantic_validator__.validate_python(body, by_name=False, by_alias=True)
    except ValidationError as error:
        return [_fault(each) for each in error.errors(include_url=False, include_input=False)]
    return []


def _extension_faults(kind: Kind, extension: Document) -> list[Fault]:
    file = extension_file(kind.name)
    if file is None:
        how = f'"x-headwater": {{"extends": "{kind.name}"}} in the folder of HEADWATER_SCHEMAS'
        message = f"{kind.name} has no custom properties; a schema file with {how} describes some"
        return [{"pointer": "/extension", "message": message}]
    found = faults(file, "", extension)
    return [{**each, "pointer": "/extension" + each["pointer"]} for each in found]


def _fault(error: ErrorDetails) -> Fault:
    pointer = "".join(f"/{escape(part)}" for part in error["loc"])
    return {"pointer": pointer, "message": FRIENDLY.get(error["type"], error["msg"])}


def _refusal(kind: Kind, found: list[Fault]) -> InvalidInputError:
    text = "; ".join(f"{f['pointer'] or 'the body'}: {f['message']}" for f in found[:5])
    more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
    return InvalidInputError(f"not a valid {kind.name}: {text}{more}", errors=found)


def _clean(shape: Shape, value: Any, pointer: str) -> Any:
    """A copy without read-only fields; names in NFC."""
    if not isinstance(value, list):
        return _clean_object(shape, value, pointer)
    return [_clean_object(shape, item, f"{pointer}/{i}") for i, item in enumerate(value)]


def _clean_object(shape: Shape, value: Document, pointer: str) -> Document:
    out: Document = {}
    for name, inner in value.items():
        field = shape.fields[name]
        if field.read_only:
            continue
        where = f"{pointer}/{name}"
        if inner is None:
            pass
        elif field.shape:
            inner = _clean(field.shape, inner, where)
        elif field.is_list:
            inner = list(inner)
        elif name == "name":
            inner = check_name(inner, where, of_part=True)
        out[name] = inner
    return out


def check_nested(shape: Shape, before: Document, patched: Document, pointer: str = "") -> None:
    """Check that a patch leaves alone what only the catalog sets below the top level.

    Raises:
        InvalidInputError: It gives a part another id, a source another column, or the like.
    """
    for name, value in patched.items():
        field, old, where = shape.fields.get(name), before.get(name), f"{pointer}/{name}"
        if field is None:
            continue  # a leftover of an earlier schema
        if field.read_only and pointer and not same(value, old):
            raise InvalidInputError.at(where, "is not changed by a patch")
        if not field.shape or not value or field.read_only:
            continue
        if not field.fits(old):
            old = None  # of an earlier schema
        if not field.is_list:
            check_nested(field.shape, old or {}, value, where)
            continue
        stood = _Stood(field, old or [])
        for index, item in enumerate(value):
            check_nested(field.shape, stood.of(item), item, f"{where}/{index}")


class _Stood:
    """The elements of a list as they stood, to be found by name and by what the catalog set."""

    def __init__(self, field: Field, items: list[Document]) -> None:
        self._key = field.keyed_by
        self._set = (
            [f.name for f in field.shape.fields.values() if f.read_only] if field.shape else []
        )
        self._items: dict[tuple[Any, str], Document] = {}
        for item in items:
            for key in self._keys(item):
                self._items.setdefault(key, item)

    def of(self, item: Document) -> Document:
        """What an element was: the one of its name, or the one that was given this name."""
        return next((self._items[key] for key in self._keys(item) if key in self._items), {})

    def _keys(self, item: Document) -> list[tuple[Any, str]]:
        name = item.get(self._key) if self._key else None
        marks = dump([item.get(each) for each in self._set])
        return [(name, marks), (name, ""), (None, marks)]


def check_keys(shape: Shape, document: Document, pointer: str = "") -> None:
    """Check that elements of keyed lists can be told apart, at every depth.

    References have their full form: two spellings of one table are one table.

    Raises:
        InvalidInputError: Two elements have one key.
    """
    for name, value in document.items():
        field, where = shape.fields[name], f"{pointer}/{name}"
        if not field.shape or not value:
            continue
        if field.keyed_by:
            _check_list(field, value, where)
        if not field.is_list:
            check_keys(field.shape, value, where)
            continue
        for index, item in enumerate(value):
            check_keys(field.shape, item, f"{where}/{index}")


def _check_list(field: Field, items: list[Document], pointer: str) -> None:
    key, seen = str(field.keyed_by), dict[tuple[Any, ...], int]()
    for index, item in enumerate(items):
        first = seen.setdefault(identity(field, item), index)
        if first != index:
            where = f"{pointer}/{index}/{key}"
            raise InvalidInputError.at(where, f"{item[key]!r} stands at {pointer}/{first} already")


def _check_secrets(value: Any, pointer: str) -> None:
    for where, name, text in _texts(value, pointer):
        if SECRET_NAME.search(name) and not text.startswith("env:"):
            raise InvalidInputError.at(
                where, "name an environment variable (env:NAME) instead of the secret itself"
            )


def _texts(value: Any, pointer: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Every string below the value, with its pointer and the property that it belongs to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, f"{pointer}/{escape(key)}", str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{pointer}/{index}", name)
    elif isinstance(value, str):
        yield pointer, name, value
