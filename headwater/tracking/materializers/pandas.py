"""Frames and series of pandas, as Parquet."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any, ClassVar

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.tracking.extra import load as module
from headwater.tracking.materializer import Reading
from headwater.tracking.materializers.parquet import ParquetMaterializer


class FrameMaterializer(ParquetMaterializer):
    """Frames with their index, dtypes, and those of ``attrs`` that JSON can hold.

    Parquet holds no column of mixed types, no two columns of one name, and no frequency of an index
    of times.
    """

    data_type: ClassVar[str] = "pandas.DataFrame"

    @override
    def dump(self, value: Any) -> bytes:
        return _dump(value)

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        return _load(content)


class SeriesMaterializer(ParquetMaterializer):
    """Series as frames of one column."""

    data_type: ClassVar[str] = "pandas.Series"

    @override
    def dump(self, value: Any) -> bytes:
        return _dump(value.to_frame())

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        frame = _load(content)
        if len(frame.columns) != 1:
            raise InvalidInputError(f"a series has one column, and not {len(frame.columns)}")
        return frame.iloc[:, 0]


def _dump(frame: Any) -> bytes:
    arrow = module("pyarrow", to="write frames of pandas")
    if frame.attrs:
        frame = frame.copy(deep=False)
        frame.attrs = {key: each for key, each in frame.attrs.items() if _is_json(key, each)}
    if frame.columns.inferred_type == "mixed" or frame.columns.inferred_type.startswith("mixed-"):
        listed = ", ".join(map(repr, frame.columns[:8]))
        raise InvalidInputError(
            f"Parquet cannot hold this frame: its columns are called by texts and others ({listed})"
        )
    content = BytesIO()
    try:
        frame.to_parquet(content, engine="pyarrow")
    except (ValueError, TypeError, arrow.ArrowException) as error:
        raise InvalidInputError(f"Parquet cannot hold this frame: {error}") from error
    return content.getvalue()


def _load(content: bytes) -> Any:
    arrow = module("pyarrow", to="read frames of pandas")
    pandas = module("pandas", to="read frames of pandas")
    try:
        return pandas.read_parquet(BytesIO(content), engine="pyarrow")
    except (ValueError, OSError, arrow.ArrowException) as error:
        raise InvalidInputError(f"the content is no Parquet: {error}") from error


def _is_json(key: Any, value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return isinstance(key, str)
