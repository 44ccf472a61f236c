"""What a fitted estimator of scikit-learn says of itself: its raw columns and its parameters."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import Any

from headwater.errors import InvalidInputError

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # another in every process


def raw_columns(
    model: Any, estimator: Any, frame_or_names: Any
) -> tuple[list[str], dict[str, str]]:
    """Return the columns that a model was fitted with, in order, and the dtypes that are known.

    Args:
        model: Fitted; a pipeline or a single estimator.
        estimator: What predicts in it.
        frame_or_names: A frame with at least these columns, their names, or None.

    Raises:
        InvalidInputError: The model is not fitted, or not with these columns.
    """
    if not _is_fitted(estimator):
        raise InvalidInputError(f"the {type(estimator).__name__} is not fitted yet")
    columns = getattr(frame_or_names, "columns", frame_or_names)
    given = None if columns is None else [str(each) for each in columns]
    fitted = getattr(model, "feature_names_in_", None)
    raw = given if fitted is None else [str(each) for each in fitted]
    count = getattr(model, "n_features_in_", None)
    if raw is None:
        raise InvalidInputError(
            "the model was not fitted with a frame, so the names of its columns must be given"
        )
    if given is not None and (missing := [each for each in raw if each not in given]):
        raise InvalidInputError(f"the model was fitted with {missing} besides the given {given}")
    if count not in (None, len(raw)):
        raise InvalidInputError(f"the model was fitted with {count} columns, not {len(raw)}")
    types = getattr(frame_or_names, "dtypes", None)
    if given is None or types is None:
        return raw, {}
    return raw, {name: str(kind).lower() for name, kind in zip(given, types, strict=True)}


def _is_fitted(estimator: Any) -> bool:
    if hasattr(estimator, "__sklearn_is_fitted__"):
        return bool(estimator.__sklearn_is_fitted__())
    # What fitting finds ends in an underscore, by scikit-learn's rule.
    found = getattr(estimator, "__dict__", {})
    return any(name.endswith("_") and not name.startswith("__") for name in found)


def parameters_of(
    estimator: Any, wanted: frozenset[str] | None, prefix: str = ""
) -> dict[str, Any]:
    """Return the parameters that are not their defaults, or all, as JSON has them.

    Args:
        estimator: Any; one without parameters has none.
        wanted: Names of those that are returned in any case; None: all are.
        prefix: Of the names: those of an estimator within are called ``outer__inner``.
    """
    if not hasattr(estimator, "get_params"):
        return {}
    signature = inspect.signature(type(estimator).__init__).parameters
    found: dict[str, Any] = {}
    for key, value in sorted(estimator.get_params(deep=False).items()):
        name, plain = prefix + key, _plain(value)
        usual = signature[key].default if key in signature else inspect.Parameter.empty
        if wanted is None or name in wanted or plain != _plain(usual):
            found[name] = plain
        if hasattr(value, "get_params") and not isinstance(value, type):
            found |= parameters_of(value, wanted, f"{name}__")
    return found


def _plain(value: Any) -> Any:
    """A parameter as JSON has it; what JSON cannot hold as text that is the same every time."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _plain(value.tolist())
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return value.__qualname__
    if hasattr(value, "get_params"):
        return type(value).__name__
    return _ADDRESS.sub("", repr(value))
