"""Which raw columns each output of a fitted scikit-learn pipeline is made from.

Works on the estimators' own attributes and ``get_feature_names_out``; scikit-learn is not imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

_TOKEN = re.compile("\ue000(\\d+)\ue001")
# Their outputs are called as their inputs are, and yet each value depends on the whole row.
_MIXING = frozenset({"IterativeImputer", "KNNImputer", "Normalizer"})


@dataclass(frozen=True, slots=True)
class Output:
    """A column on its way through a pipeline.

    Attributes:
        name: As the estimator that made it calls it.
        sources: The raw columns that it is made from.
        steps: Classes of the transformers that it went through.
    """

    name: str
    sources: tuple[str, ...]
    steps: tuple[str, ...] = ()


def raw_outputs(names: Iterable[str]) -> list[Output]:
    """The columns of raw data, as a pipeline's first step takes them."""
    return [Output(name, (name,)) for name in names]


def final_estimator(model: Any) -> Any:
    """Return what predicts: behind pipelines, and the best one of a search."""
    model = getattr(model, "best_estimator_", model)
    return final_estimator(model.steps[-1][1]) if hasattr(model, "steps") else model


def outputs_of(model: Any, inputs: Sequence[Output]) -> list[Output]:
    """Return what the final estimator of a model is given.

    Args:
        model: Fitted; a pipeline or a single estimator.
        inputs: The raw columns, in the order that the model was fitted with.
    """
    model = getattr(model, "best_estimator_", model)
    found = list(inputs)
    if not hasattr(model, "steps"):
        return _aligned(model, found)
    *before, (_, last) = model.steps
    for _, step in before:
        found = _through(step, found)
    return outputs_of(last, found)


def _through(step: Any, inputs: list[Output]) -> list[Output]:
    """What a step makes of its inputs."""
    step = getattr(step, "best_estimator_", step)
    if step == "drop":
        return []
    if step is None or isinstance(step, str) or _is_for_rows(step):
        return inputs
    inputs = _aligned(step, inputs)
    if hasattr(step, "steps"):
        for _, inner in step.steps:
            inputs = _through(inner, inputs)
        return inputs
    if hasattr(step, "transformers_"):
        return _renamed(step, inputs, _side_by_side(step, inputs))
    if hasattr(step, "transformer_list"):
        parts = [
            replace(output, name=f"{name}__{output.name}")
            for name, inner in step.transformer_list
            for output in _through(inner, inputs)
        ]
        return _renamed(step, inputs, parts)
    return _transformed(step, inputs)


def _side_by_side(step: Any, inputs: list[Output]) -> list[Output]:
    """The outputs of a ``ColumnTransformer``, in its order."""
    placed: dict[int, Output] = {}
    for name, inner, columns in step.transformers_:
        places = step.output_indices_[name]
        at = range(places.start, places.stop)
        if not at:
            continue
        given = list(_selected(columns, inputs))
        made = _through(inner, given)
        if len(made) != len(at):  # it does not say how many it has
            stem = type(inner).__name__
            made = [_mixed(f"{stem.lower()}{n}", given, stem) for n in range(len(at))]
        for place, output in zip(at, made, strict=True):
            placed[place] = replace(output, name=f"{name}__{output.name}")
    return [placed[place] for place in sorted(placed)]


def _selected(columns: Any, inputs: list[Output]) -> Iterator[Output]:
    """The inputs that a ``ColumnTransformer`` selects: by name, place, slice or mask."""
    if isinstance(columns, slice) and not isinstance(columns.start or columns.stop, str):
        yield from inputs[columns]
        return
    names = [each.name for each in inputs]
    if isinstance(columns, slice):  # of names, with both ends
        start = 0 if columns.start is None else names.index(columns.start)
        stop = len(names) if columns.stop is None else names.index(columns.stop) + 1
        yield from inputs[start : stop : columns.step]
        return
    listed = [columns] if isinstance(columns, (str, int)) else list(columns)
    if listed and all(type(each).__name__ in ("bool", "bool_") for each in listed):
        yield from (each for each, wanted in zip(inputs, listed, strict=True) if wanted)
        return
    for each in listed:
        yield inputs[names.index(each) if isinstance(each, str) else int(each)]


def _transformed(step: Any, inputs: list[Output]) -> list[Output]:
    """What one transformer makes, by the names that it gives to what it makes of tokens."""
    classes = _classes(step)
    function = getattr(step, "func", "") if "FunctionTransformer" in classes else ""
    if function is None:
        return inputs
    added = type(step).__name__
    if type(function).__name__ == "ufunc":  # element by element, whatever names are declared
        return [replace(each, steps=(*each.steps, added)) for each in inputs]
    tokens = [f"\ue000{number:09}\ue001" for number in range(len(inputs))]
    names = _names_out(step, tokens) or [added.lower()]
    real = _own_names(step, inputs)
    at = {each.name: number for number, each in enumerate(inputs)}
    is_choice = not any(map(_TOKEN.search, names)) and at.keys() >= {*real}
    if real and (is_choice or _goes_by_name(step, tokens, names, real)):
        names = [tokens[at[name]] if name in at else name for name in real]
    outputs = []
    for number, name in enumerate(names):
        parts = [inputs[int(each)] for each in dict.fromkeys(_TOKEN.findall(name))]
        if not parts or (name in tokens and classes & _MIXING):
            parts = _unnamed(step, classes, number, inputs)
        shown = _TOKEN.sub(lambda match: inputs[int(match[1])].name, name)
        outputs.append(_mixed(shown, parts, added))
    return _renamed(step, inputs, outputs) if hasattr(step, "feature_name_combiner") else outputs


def _goes_by_name(step: Any, tokens: list[str], names: list[str], real: list[str]) -> bool:
    """Whether which outputs there are, or their order, depends on what the inputs are called.

    Then tokens tell nothing of them, but the real names do.
    """
    if not any(map(_TOKEN.search, names)):
        return False
    turned = _names_out(step, tokens[::-1]) or []
    last = len(tokens) - 1
    found = [[last - int(each) for each in _TOKEN.findall(name)] for name in turned]
    return len(real) != len(names) or found != [
        [int(each) for each in _TOKEN.findall(name)] for name in names
    ]


def _unnamed(step: Any, classes: set[str], number: int, inputs: list[Output]) -> list[Output]:
    """The inputs of an output whose name tells none."""
    if "PolynomialFeatures" in classes:  # the constant 1
        return []
    if "FeatureAgglomeration" in classes:
        pairs = zip(inputs, step.labels_, strict=True)
        return [each for each, label in pairs if label == number]
    return inputs


def _names_out(step: Any, tokens: list[str]) -> list[str] | None:
    """What a transformer calls its outputs when its inputs are called so; None: it does not say."""
    asked = copy(step)
    known = getattr(step, "feature_names_in_", None)
    try:
        if known is not None:  # it refuses other names than these
            asked.feature_names_in_ = known.astype(object)
            asked.feature_names_in_[:] = tokens
        if hasattr(asked, "feature_name_combiner"):  # one of the user's own may drop the tokens
            asked.feature_name_combiner = "concat"
        return [str(name) for name in asked.get_feature_names_out(tokens)]
    except (AttributeError, TypeError, ValueError):
        return None


def _renamed(step: Any, inputs: list[Output], outputs: list[Output]) -> list[Output]:
    """The outputs by the names that the step itself gives them, where it gives any."""
    names = _own_names(step, inputs)
    if len(names) != len(outputs):
        return outputs
    return [replace(each, name=name) for each, name in zip(outputs, names, strict=True)]


def _own_names(step: Any, inputs: list[Output]) -> list[str]:
    """What a step itself calls its outputs; empty where it does not say."""
    try:
        return [str(name) for name in step.get_feature_names_out([each.name for each in inputs])]
    except (AttributeError, TypeError, ValueError):
        return []


def _aligned(step: Any, inputs: list[Output]) -> list[Output]:
    """The inputs as a step was fitted with them.

    Where a transformer before it did not say how many outputs it has, each is made from all.
    """
    count = getattr(step, "n_features_in_", len(inputs))
    names = getattr(step, "feature_names_in_", None)
    if count != len(inputs):
        stem = inputs[0].name if inputs else "x"
        called = [f"{stem}{number}" for number in range(count)] if names is None else names
        return [_mixed(str(name), inputs) for name in called]
    if names is None:
        return inputs
    return [replace(each, name=str(name)) for each, name in zip(inputs, names, strict=True)]


def _mixed(name: str, parts: Sequence[Output], *added: str) -> Output:
    """A column that is made from several."""
    sources = dict.fromkeys(source for part in parts for source in part.sources)
    steps = dict.fromkeys(step for part in parts for step in part.steps)
    return Output(name, tuple(sources), (*steps, *added))


def _is_for_rows(step: Any) -> bool:
    """Whether a step takes rows away or adds some, as those of imbalanced-learn do."""
    return hasattr(step, "fit_resample") and not hasattr(step, "transform")


def _classes(step: Any) -> set[str]:
    return {cls.__name__ for cls in type(step).__mro__}
