"""What a run trained a version on: fields of the version, from an estimator and what was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headwater.errors import HeadwaterError
from headwater.sdk.sklearn_feature import Fitted, estimator_fields, fitted, model_fields
from headwater.tracking.capture import Read
from headwater.tracking.feature import column_sources

_MOST_UNNAMED = 1000
"""Columns without names that are told one by one."""


def trained_fields(
    value: Any, arguments: Iterable[Any], reads: Sequence[Read]
) -> dict[str, Any] | None:
    """``algorithm``, ``mlFeatures`` and ``mlHyperParameters`` of what a step trained.

    Args:
        value: What the step returned.
        arguments: What the step was given, among which may be the frame that it was fitted with.
        reads: What the run has read.

    Returns:
        None when it is no estimator.
    """
    if not callable(getattr(value, "get_params", None)) or isinstance(value, type):
        return None
    if getattr(value, "feature_names_in_", None) is None:
        # Fitted with an array: which columns of which frame that had, nobody can tell.
        return {
            **estimator_fields(value),
            **(read_fields(reads) or _unnamed_fields(value)),
        }
    frames = [each for each in arguments if getattr(each, "columns", None) is not None]
    for frame in [*frames, None]:
        if (found := _fitted(value, frame)) is not None:
            return model_fields(found, column_sources(found.columns, frame, reads), parameters=None)
    return estimator_fields(value)


def _unnamed_fields(value: Any) -> dict[str, Any]:
    """``mlFeatures`` by scikit-learn's names of columns that have none, without a source."""
    count = getattr(value, "n_features_in_", None)
    if not isinstance(count, int) or count > _MOST_UNNAMED:
        return {}
    found = _fitted(value, [f"x{number}" for number in range(count)])
    if found is None:
        return {}
    told = model_fields(found, {})["mlFeatures"]
    return {"mlFeatures": [{**each, "featureSources": []} for each in told]}


def _fitted(value: Any, columns: Any) -> Fitted | None:
    try:
        return fitted(value, columns)
    except HeadwaterError:  # not fitted, or not with these
        return None


def read_fields(reads: Iterable[Read]) -> dict[str, Any]:
    """``mlFeatures`` of a version whose model tells nothing: the columns that were read."""
    sources: dict[str, list[dict[str, Any]]] = {}
    for read in reads:
        for name in read.columns:
            known = sources.setdefault(name, [])
            known += [each for each in read.feature_sources(name) if each not in known]
    features = [{"name": name, "featureSources": each} for name, each in sources.items() if each]
    return {"mlFeatures": features} if features else {}
