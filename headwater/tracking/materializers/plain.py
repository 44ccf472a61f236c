"""Values of Python itself: JSON, text and bytes."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.names import escape
from headwater.tracking.materializer import Materializer, Reading, type_name

_SCALARS = (bool, int, float, type(None))


class JsonMaterializer(Materializer):
    """Numbers, bool, None, lists and dictionaries with names of text, and these within each other.

    A tuple is read as a list, a scalar of NumPy as Python's number. NaN and infinity are written as
    Python spells them, which is no JSON of other languages.
    """

    data_type: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"

    @override
    def accepts(self, value: Any) -> bool:
        return type(value) in (*_SCALARS, list, tuple, dict) or _is_scalar_of_numpy(value)

    @override
    def dump(self, value: Any) -> bytes:
        try:
            return json.dumps(_plain(value, ""), ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InvalidInputError(f"JSON cannot hold this text: {error.reason}") from error
        except RecursionError as error:
            raise InvalidInputError("the value nests too deeply to be written as JSON") from error

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"the content is no JSON: {error}") from error


class TextMaterializer(Materializer):
    """Text, as UTF-8."""

    data_type: ClassVar[str] = "text"
    media_type: ClassVar[str] = "text/plain"

    @override
    def accepts(self, value: Any) -> bool:
        return type(value) is str

    @override
    def dump(self, value: Any) -> bytes:
        try:
            return str(value).encode()
        except UnicodeEncodeError as error:
            raise InvalidInputError(f"UTF-8 cannot hold this text: {error.reason}") from error

    @override
    def load(self, content: bytes, reading: Reading) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"the content is no UTF-8: {error.reason}") from error


class BytesMaterializer(Materializer):
    """Bytes, as they are."""

    data_type: ClassVar[str] = "bytes"
    media_type: ClassVar[str] = "application/octet-stream"

    @override
    def accepts(self, value: Any) -> bool:
        return type(value) is bytes

    @override
    def dump(self, value: Any) -> bytes:
        return bytes(value)

    @override
    def load(self, content: bytes, reading: Reading) -> bytes:
        return content


def _plain(value: Any, pointer: str) -> Any:
    """The value as ``json`` writes it without losing a type on the way."""
    kind = type(value)
    if kind in _SCALARS or kind is str:
        return value
    if kind is dict:
        odd = [key for key in value if type(key) is not str]
        if odd:
            message = f"JSON has names of text alone, and not {odd[0]!r}"
            raise InvalidInputError.at(pointer, message)
        return {key: _plain(each, f"{pointer}/{escape(key)}") for key, each in value.items()}
    if kind in (list, tuple):
        return [_plain(each, f"{pointer}/{number}") for number, each in enumerate(value)]
    if _is_scalar_of_numpy(value):
        return value.item()
    raise InvalidInputError.at(pointer, f"JSON has no {type_name(kind)}", type=type_name(kind))


def _is_scalar_of_numpy(value: Any) -> bool:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return type(value).__module__ == "numpy" and not hasattr(value, "__len__") and kind in "biuf"
