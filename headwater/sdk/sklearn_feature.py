"""What a fitted scikit-learn estimator says of itself, as fields of a model or a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater import names
from headwater.sdk.sklearn_estimator import parameters_of, raw_columns
from headwater.sdk.sklearn_trace import Output, final_estimator, outputs_of, raw_outputs

_MOST_FEATURES = 1000
_STEPS = " → "
# How dtypes of pandas, NumPy and polars begin, in lower case; any other is a category.
_TYPES = {
    "bool": ("boolean", "categorical"),
    "date32": ("date", "categorical"),
    "datetime": ("timestamp", "categorical"),
    "date": ("date", "categorical"),
    "timestamp": ("timestamp", "categorical"),
    "int": ("integer", "numerical"),
    "uint": ("integer", "numerical"),
    "float": ("number", "numerical"),
    "double": ("number", "numerical"),
    "decimal": ("number", "numerical"),
    "str": ("string", "categorical"),
    "utf8": ("string", "categorical"),
    "list": ("array", "categorical"),
    "array": ("array", "categorical"),
    "struct": ("object", "categorical"),
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted estimator or pipeline.

    Attributes:
        estimator: What predicts in it.
        columns: The raw columns that it was fitted with, in order.
        types: Their dtypes, as far as they are known.
        outputs: What the estimator is given, each by what it is made from.
    """

    estimator: Any
    columns: list[str]
    types: dict[str, str]
    outputs: list[Output]


def fitted(model: Any, frame_or_names: Any = None) -> Fitted:
    """Return what a fitted estimator or pipeline says of itself.

    Args:
        model: Of a search, the best one counts.
        frame_or_names: The data that it was fitted with, or the names of its columns; needed unless
            it was fitted with a frame.

    Raises:
        InvalidInputError: It is not fitted, or not with these columns.
    """
    estimator = final_estimator(model)
    columns, types = raw_columns(model, estimator, frame_or_names)
    return Fitted(estimator, columns, types, _few(outputs_of(model, raw_outputs(columns))))


def model_fields(
    found: Fitted,
    sources: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    parameters: Iterable[str] | None = (),
) -> dict[str, Any]:
    """Return ``algorithm``, ``mlFeatures`` and ``mlHyperParameters`` of a request.

    Args:
        found: The estimator.
        sources: Of each raw column, the feature sources that it is read from, without a type; one
            that is not mentioned is a source by its name alone.
        parameters: Names of parameters to keep although they have their default value; None: all.
    """
    return {
        "mlFeatures": features(found, sources),
        **estimator_fields(found.estimator, parameters=parameters),
    }


def estimator_fields(model: Any, *, parameters: Iterable[str] | None = None) -> dict[str, Any]:
    """Return ``algorithm`` and ``mlHyperParameters``, of an estimator that is not fitted, too.

    Args:
        model: An estimator or a pipeline, of which what predicts counts.
        parameters: Names of parameters to keep although they have their default value; None: all.
    """
    estimator = final_estimator(model)
    kept = parameters_of(estimator, None if parameters is None else frozenset(parameters))
    return {
        "algorithm": type(estimator).__name__,
        "mlHyperParameters": [{"name": key, "value": value} for key, value in kept.items()],
    }


def features(
    found: Fitted, sources: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the ``mlFeatures`` of a request; see ``model_fields``."""
    typed: dict[str, list[dict[str, Any]]] = {}
    for name in found.columns:
        kind = _types(found.types.get(name))[0]
        type_ = {"dataType": kind} if kind else {}
        typed[name] = [{**each, **type_} for each in sources.get(name) or [{"name": name}]]
    return [_feature(output, typed, found.types) for output in found.outputs]


def _few(outputs: Sequence[Output]) -> list[Output]:
    """The outputs, each name once; where they are very many, those of one origin are one."""
    if len(outputs) > _MOST_FEATURES:
        outputs = [
            replace(each, name=f"{', '.join(each.sources)} ({_STEPS.join(each.steps)})")
            for each in outputs
        ]
    found: dict[str, Output] = {}
    for each in outputs:
        name = names.REFUSED.sub(" ", each.name)[: names.MAX_NAME]
        same = found.get(name, each)
        sources = dict.fromkeys((*same.sources, *each.sources))
        steps = dict.fromkeys((*same.steps, *each.steps))
        found[name] = Output(name, tuple(sources), tuple(steps))
    return list(found.values())


def _feature(
    output: Output, found: Mapping[str, list[dict[str, Any]]], types: Mapping[str, str]
) -> dict[str, Any]:
    sources: dict[tuple[str, str], dict[str, Any]] = {}
    for source in (each for raw in output.sources for each in found[raw]):
        sources.setdefault((source["name"], str(source.get("dataSource"))), source)
    feature: dict[str, Any] = {"name": output.name, "featureSources": list(sources.values())}
    if output.steps:
        feature["featureAlgorithm"] = _STEPS.join(output.steps)[:256]
    kinds = {_types(types.get(raw))[1] for raw in output.sources}
    if kinds and None not in kinds:
        feature["dataType"] = "numerical" if kinds == {"numerical"} else "categorical"
    return feature


def _types(dtype: str | None) -> tuple[str | None, str | None]:
    """The type of a source and of a feature that a column's dtype means."""
    if dtype is None:
        return None, None
    return next(
        (t for start, t in _TYPES.items() if dtype.startswith(start)), (None, "categorical")
    )
