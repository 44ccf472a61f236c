"""Frames and series of polars, as Parquet."""

from __future__ import annotations

from io import BytesIO
from typing import Any, ClassVar

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.tracking.extra import load as module
from headwater.tracking.materializer import Reading
from headwater.tracking.materializers.parquet import ParquetMaterializer


class PolarsFrameMaterializer(ParquetMaterializer):
    """Frames; no column of Python's objects."""

    data_type: ClassVar[str] = "polars.DataFrame"

    @override
    def dump(self, value: Any) -> bytes:
        return _dump(value)

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        return _load(content)


class PolarsSeriesMaterializer(ParquetMaterializer):
    """Series as frames of one column."""

    data_type: ClassVar[str] = "polars.Series"

    @override
    def dump(self, value: Any) -> bytes:
        return _dump(value.to_frame())

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        frame = _load(content)
        if frame.width != 1:
            raise InvalidInputError(f"a series has one column, and not {frame.width}")
        return frame.to_series()


def _dump(frame: Any) -> bytes:
    polars = module("polars", to="write frames of polars", extra="polars")
    content = BytesIO()
    try:
        frame.write_parquet(content)
    except (ValueError, TypeError, polars.exceptions.PolarsError) as error:
        raise InvalidInputError(f"Parquet cannot hold this frame: {error}") from error
    return content.getvalue()


def _load(content: bytes) -> Any:
    polars = module("polars", to="read frames of polars", extra="polars")
    try:
        return polars.read_parquet(BytesIO(content))
    except (ValueError, OSError, polars.exceptions.PolarsError) as error:
        raise InvalidInputError(f"the content is no Parquet: {error}") from error
