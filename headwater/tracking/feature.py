"""From columns that were read to the features of an estimator that was fitted with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.sdk.sklearn_feature import features, fitted
from headwater.tracking.capture import Read, read_of


def features_of(
    estimator: Any, frame: Any = None, reads: Iterable[Read] = ()
) -> list[dict[str, Any]]:
    """Return the ``mlFeatures`` of a request, each with the columns that it is made from.

    Args:
        estimator: Of scikit-learn, fitted; a pipeline or a single one.
        frame: What it was fitted with, or the names of the columns; needed unless it was fitted
            with a frame. What the frame says of where it was read counts first.
        reads: What else was read: counts for a column that all reads that have one of the name
            read from the same. Any other column is a source by its name alone.

    Raises:
        InvalidInputError: The estimator is not fitted, or not with these columns.
    """
    found = fitted(estimator, frame)
    return features(found, column_sources(found.columns, frame, reads))


def column_sources(
    columns: Sequence[str], frame: Any, reads: Iterable[Read]
) -> Mapping[str, list[dict[str, Any]]]:
    """Return the feature sources of columns, as far as they are known; see ``features_of``."""
    own = read_of(frame)
    others = list(reads)
    sources: dict[str, list[dict[str, Any]]] = {}
    for name in columns:
        telling = [own] if own and name in own.columns else others
        ways = [each.feature_sources(name) for each in telling if name in each.columns]
        if ways and all(way == ways[0] for way in ways):
            sources[name] = ways[0]
    return sources
