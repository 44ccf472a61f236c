"""The class of an estimator in a file, read without loading it: nothing of the file is executed.

Pickles (cloudpickle's too) are rebuilt from stand-ins in place of every class and function that
they name; skops files tell classes in JSON.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import Any

from typing_extensions import override

_MOST_SCHEMA = 64 * 2**20  # bytes of a skops schema, which is compressed in its file
_DEEPEST = 10  # estimators within estimators

_WRAPPED = ("best_estimator_", "estimator", "regressor_", "regressor", "estimator_")
"""Attributes that hold what a search or another wrapper is about, the fitted one first."""
_WRAPPERS = frozenset(
    {
        *("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
        *("TransformedTargetRegressor", "CalibratedClassifierCV", "TunedThresholdClassifierCV"),
        *("FixedThresholdClassifier", "FrozenEstimator"),
    }
)


class _StandIn:
    """In place of any class or function of a pickle; keeps what it is given, and runs nothing.

    Attributes:
        state: What the instance was given as its attributes.
        arguments: What it was made from.
    """

    def __new__(cls, *arguments: Any, **_: Any) -> Any:
        """Make an instance; functions that make instances of others make stand-ins of those."""
        if cls.__name__ in ("_reconstructor", "__newobj__", "__newobj_ex__") and arguments:
            cls = arguments[0] if _is_stand_in(arguments[0]) else cls
        if cls.__name__ == "_make_skeleton_class" and len(arguments) > 1:  # cloudpickle's
            return _stand_in("__main__", str(arguments[1]))
        made = object.__new__(cls)
        made.state, made.arguments = {}, arguments
        return made

    def __init__(self, *_: Any, **__: Any) -> None: ...

    state: dict[str, Any]
    arguments: tuple[Any, ...]

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.state.update(part)

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, _: Any) -> None: ...

    def extend(self, _: Any) -> None: ...

    def add(self, _: Any) -> None: ...

    def __call__(self, *arguments: Any, **_: Any) -> Any:
        return _StandIn(*arguments)

    def __hash__(self) -> int:
        return id(self)


def _stand_in(module: str, name: str) -> type[_StandIn]:
    return type(name.rpartition(".")[2], (_StandIn,), {"__module__": module})


def _is_stand_in(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, _StandIn)


class _Reader(pickle.Unpickler):
    """Reads a pickle without importing or calling anything that it names."""

    @override
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return _stand_in(module_name, global_name)


def class_in_pickle(content: bytes) -> str | None:
    """Return the name of the class of the estimator that a pickle holds, or None.

    Of a pipeline it is the last step's, of a search that of the best estimator.
    """
    try:
        return _class_of(_Reader(io.BytesIO(content)).load())
    except Exception:  # noqa: BLE001  (a file from elsewhere may be broken in any way)
        return None


def _class_of(found: Any) -> str | None:
    for _ in range(_DEEPEST):
        if not isinstance(found, _StandIn):
            return None
        name = type(found).__name__
        inner: Any = None
        if name == "Pipeline" and isinstance(steps := found.state.get("steps"), list):
            inner = _last([step[1] for step in steps if isinstance(step, tuple) and len(step) > 1])
        elif name in _WRAPPERS:
            held = (found.state.get(each) for each in _WRAPPED)
            inner = next((each for each in held if isinstance(each, _StandIn)), None)
        if inner is None:
            return name
        found = inner
    return None


def _last(steps: list[Any]) -> Any:
    return next((step for step in reversed(steps) if isinstance(step, _StandIn)), None)


def class_in_skops(content: bytes) -> str | None:
    """Return the name of the class of the estimator that a skops file holds, or None."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("schema.json") as file:
            schema = json.loads(file.read(_MOST_SCHEMA))
        return _class_of_node(schema)
    except Exception:  # noqa: BLE001  (as above)
        return None


def _class_of_node(node: Any) -> str | None:
    for _ in range(_DEEPEST):
        name, inner = str(node["__class__"]), None
        held = node.get("content")
        held = held.get("content") if isinstance(held, dict) else None
        if isinstance(held, dict) and name == "Pipeline":
            inner = next(
                (
                    step["content"][1]
                    for step in reversed(held["steps"]["content"])
                    if step["content"][1].get("__loader__") == "ObjectNode"
                ),
                None,
            )
        elif isinstance(held, dict) and name in _WRAPPERS:
            nodes = (held.get(each) for each in _WRAPPED)
            inner = next((n for n in nodes if n and n.get("__loader__") == "ObjectNode"), None)
        if inner is None:
            return name
        node = inner
    return None
