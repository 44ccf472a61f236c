"""Arrays of NumPy, in its own format."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any, ClassVar

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.tracking.extra import load as module
from headwater.tracking.materializer import Materializer, Reading


class ArrayMaterializer(Materializer):
    """Arrays; none of Python's objects, which would have to be pickled."""

    data_type: ClassVar[str] = "numpy.ndarray"
    media_type: ClassVar[str] = "application/x-npy"

    @override
    def accepts(self, value: Any) -> bool:
        numpy = sys.modules.get("numpy")
        return numpy is not None and type(value) is numpy.ndarray

    @override
    def dump(self, value: Any) -> bytes:
        content = BytesIO()
        try:
            module("numpy", to="write arrays").save(content, value, allow_pickle=False)
        except ValueError as error:
            raise InvalidInputError(
                f"an array of {value.dtype} cannot be written: it holds Python objects; give it a"
                " dtype of numbers, text or times (array.astype)"
            ) from error
        return content.getvalue()

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        try:
            return module("numpy", to="read arrays").load(BytesIO(content), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise InvalidInputError(f"the content is no array of NumPy: {error}") from error
