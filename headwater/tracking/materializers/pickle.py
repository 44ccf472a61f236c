"""Pickles: written for the types that somebody registered, read by who permits it."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.tracking.materializer import Materializer, Reading, type_name


class PickleMaterializer(Materializer):
    """Writes the types that it is made for, and what is derived from them.

    Whoever reads a pickle runs the code that it holds; ``allow_pickle=True`` permits that.

    Args:
        types: Whose values are pickled; none: this one only reads.
    """

    data_type: ClassVar[str] = "pickle"
    media_type: ClassVar[str] = "application/x-python-pickle"

    def __init__(self, *types: type) -> None:
        self._types = types

    @override
    def accepts(self, value: Any) -> bool:
        return isinstance(value, self._types)

    @override
    def dump(self, value: Any) -> bytes:
        try:
            return pickle.dumps(value, protocol=5)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            name = type_name(type(value))
            raise InvalidInputError(f"this {name} cannot be pickled: {error}") from error

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        if not reading.allow_pickle:
            raise InvalidInputError(
                "the content is a pickle, and reading one runs the code that it holds;"
                " allow_pickle=True permits it, for content that you trust"
            )
        return pickle.loads(content)  # noqa: S301  (the reader permits it)
