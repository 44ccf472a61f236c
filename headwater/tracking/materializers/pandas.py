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

_COLUMN = "__series__"
_NAME = "headwater.series"


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
    """Series as frames of one column; a name that is no text is kept in ``attrs``.

    A column is always called something: without that, no name would come back as ``0``.
    """

    data_type: ClassVar[str] = "pandas.Series"

    @override
    def dump(self, value: Any) -> bytes:
        name = value.name
        if name is not None and not isinstance(name, (int, tuple)):
            return _dump(value.to_frame())
        parts = name if isinstance(name, tuple) else (name,)
        if not all(each is None or isinstance(each, (str, int, float)) for each in parts):
            raise InvalidInputError(f"a series is called by texts and numbers, and not {name!r}")
        frame = value.to_frame(_COLUMN)
        frame.attrs = {**value.attrs, _NAME: {"parts": list(parts), "isTuple": parts is name}}
        return _dump(frame)

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        frame = _load(content)
        if len(frame.columns) != 1:
            raise InvalidInputError(f"a series has one column, and not {len(frame.columns)}")
        series = frame.iloc[:, 0]
        if (told := series.attrs.pop(_NAME, None)) is not None:
            series.name = tuple(told["parts"]) if told["isTuple"] else told["parts"][0]
        return series


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
    odd = {str(each) for each in frame.index.names if not isinstance(each, (str, type(None)))}
    if taken := odd & set(map(str, frame.columns)):
        raise InvalidInputError(
            f"Parquet cannot hold this frame: its index and a column are called {min(taken)}"
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
    parquet = module("pyarrow.parquet", to="read frames of pandas")
    try:
        frame = pandas.read_parquet(BytesIO(content), engine="pyarrow")
        told = parquet.read_schema(BytesIO(content)).pandas_metadata or {}
    except (ValueError, OSError, arrow.ArrowException) as error:
        raise InvalidInputError(f"the content is no Parquet: {error}") from error
    for at, each in enumerate(told.get("columns", ())[: frame.shape[1]]):
        # Parquet has no categories of nothing, and reads such a column as one of their type.
        if each["pandas_type"] == "categorical" and not each["metadata"]["num_categories"]:
            column = frame.iloc[:, at]
            none = pandas.Index([], dtype=getattr(column.dtype, "categories", column).dtype)
            of = pandas.CategoricalDtype(none, ordered=each["metadata"]["ordered"])
            frame.isetitem(at, column.astype(of))
    return frame


def _is_json(key: Any, value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return isinstance(key, str)
