"""Arrays and frames: what they come down to, with all of their content."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from typing import Any

from headwater.tracking.content_state import attributes

_BLOCK = 1 << 20
"""Elements of an array that does not lie in one piece, of which a copy is made at a time."""


class Blocks:
    """Bytes that are hashed as they come."""

    def __init__(self, blocks: Iterator[memoryview]) -> None:
        """Make it of them."""
        self.blocks = blocks


def array(value: Any) -> tuple[Any, ...]:
    """An array of NumPy, or of a subclass."""
    numpy = sys.modules["numpy"]
    plain = value.view(type=numpy.ndarray)
    own = {name: each for name, each in attributes(value).items() if name != "_mmap"}
    layout = value.dtype.str if value.dtype.names is None else repr(value.dtype)
    if value.dtype.hasobject or value.dtype.kind == "T":
        return (layout, value.shape, plain.reshape(-1).tolist(), own)
    return (layout, value.shape, Blocks(_blocks(plain)), own)


def frame(value: Any) -> tuple[Any, ...]:
    """A frame of pandas."""
    columns = [value.iloc[:, at].array for at in range(value.shape[1])]
    return (value.columns, value.index, columns, value.attrs, _added(value))


def series(value: Any) -> tuple[Any, ...]:
    """A series of pandas."""
    return (value.name, value.index, value.array, value.attrs, _added(value))


def index(value: Any) -> tuple[Any, ...]:
    """An index of pandas."""
    return (list(value.names), str(value.dtype), value.array)


def multi_index(value: Any) -> tuple[Any, ...]:
    """An index of several levels."""
    return (list(value.names), list(value.levels), list(value.codes))


def extension_array(value: Any) -> tuple[Any, ...]:
    """An array of pandas: of NumPy's, as that; of others, as Arrow has it, else each value."""
    if isinstance(found := getattr(value, "_ndarray", None), sys.modules["numpy"].ndarray):
        return (value.dtype, str(getattr(value, "freq", "")), found)
    arrow = sys.modules.get("pyarrow")
    try:
        return (str(value.dtype), _arrow(arrow, value))
    except Exception:  # noqa: BLE001  (no Arrow, or nothing that Arrow knows)
        return (str(value.dtype), list(value))


def polars(value: Any) -> tuple[Any, ...]:
    """A frame or a series of polars; where it holds objects, each row."""
    whole = value.to_frame() if hasattr(value, "to_frame") else value
    schema = [(name, str(each)) for name, each in whole.schema.items()]
    if any("Object" in each for _, each in schema):
        return (schema, whole.rows())
    sink = _Sink()
    whole.rechunk().write_ipc(sink)
    return (schema, sink.digest.digest())


def _blocks(value: Any) -> Iterator[memoryview]:
    if value.flags.c_contiguous or not value.ndim:
        yield memoryview(value.reshape(-1).view("u1"))
        return
    rows = max(1, _BLOCK // max(1, value[:1].size))
    for start in range(0, len(value), rows):
        yield memoryview(value[start : start + rows].copy(order="C").reshape(-1).view("u1"))


def _added(value: Any) -> dict[str, Any]:
    """What others than pandas put on its objects."""
    public = {k: each for k, each in attributes(value).items() if not k.startswith("_")}
    return public | {k: getattr(value, k, None) for k in value._metadata if k != "_name"}


def _arrow(arrow: Any, value: Any) -> bytes:
    made = arrow.array(value)
    made = made.combine_chunks() if hasattr(made, "combine_chunks") else made
    batch = arrow.record_batch([made], names=["array"])
    sink = _Sink()
    with arrow.ipc.new_stream(arrow.PythonFile(sink, mode="w"), batch.schema) as stream:
        stream.write_batch(batch)
    return sink.digest.digest()


class _Sink:
    """A file that keeps the hash of what is written."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""
