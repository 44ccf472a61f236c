"""What a run trained a version on: fields of the version, from an estimator and what was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headwater.errors import HeadwaterError
from headwater.sdk.sklearn_feature import fitted, model_fields
from headwater.tracking.capture import Read
from headwater.tracking.feature import column_sources


def estimator_fields(
    value: Any, arguments: Iterable[Any], reads: Sequence[Read]
) -> dict[str, Any] | None:
    """``algorithm``, ``mlFeatures`` and ``mlHyperParameters`` of what a step trained.

    Args:
        value: What the step returned.
        arguments: What the step was given, among which may be the frame that it was fitted with.
        reads: What the run has read.

    Returns:
        None when it is no fitted estimator that tells its columns.
    """
    if not callable(getattr(value, "get_params", None)):
        return None
    frames = [each for each in arguments if getattr(each, "columns", None) is not None]
    for frame in [*frames, None]:
        try:
            found = fitted(value, frame)
        except HeadwaterError:  # not fitted with this one
            continue
        return model_fields(found, column_sources(found.columns, frame, reads))
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
