"""What a step makes, as the annotation of what it returns says: the artifacts, by name."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any

from headwater.errors import InvalidInputError

_ONLY = "output"
"""What the only output is called that nobody named."""


@dataclass(frozen=True, slots=True)
class ArtifactConfig:
    """What an output of a step is: ``-> Annotated[T, ArtifactConfig(name="trained_model")]``.

    Attributes:
        name: The artifact's.
        version: Name of the version; unless given, the run's.
        model_name: The model whose version it is linked to, in place of the step's.
        model_version: Which version of that; the context's, where it is the same model, else
            ``latest``.
        is_model_artifact: It is a trained model.
        is_deployment_artifact: It is a deployment.
    """

    name: str | None = None
    version: str | None = None
    model_name: str | None = None
    model_version: str | int | None = None
    is_model_artifact: bool = False
    is_deployment_artifact: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One output: its name within the step, and what was said of it."""

    name: str
    config: ArtifactConfig


@dataclass(frozen=True, slots=True)
class Outputs:
    """All that a step returns.

    Attributes:
        listed: What the annotation lists; None when it says nothing.
        is_many: Whether a tuple is returned, whose elements are artifacts of their own.
    """

    listed: Sequence[Output] | None
    is_many: bool

    def split(self, value: Any) -> list[tuple[Output, Any]]:
        """Each output with its value.

        Raises:
            InvalidInputError: There are not as many values as the annotation lists.
        """
        if self.listed is None:
            if value is None:
                return []
            if not isinstance(value, tuple):
                return [(_unnamed(_ONLY), value)]
            return [(_unnamed(f"output_{n}"), each) for n, each in enumerate(value)]
        if not self.is_many:
            return [(each, value) for each in self.listed]
        values = list(value) if isinstance(value, (tuple, list)) else [value]
        if len(values) != len(self.listed):
            raise InvalidInputError(
                f"the step returned {len(values)} values, and its annotation lists"
                f" {len(self.listed)}"
            )
        return list(zip(self.listed, values, strict=True))

    def join(self, outputs: Sequence[Output], values: Sequence[Any]) -> Any:
        """What the step returns: the values of its outputs, the other way round than ``split``."""
        is_one = not outputs or outputs[0].name == _ONLY
        is_many = not is_one if self.listed is None else self.is_many
        return tuple(values) if is_many else values[0] if values else None


def outputs_of(function: Callable[..., Any]) -> Outputs:
    """Read the annotation of what a function returns.

    Raises:
        InvalidInputError: It names what the function's module does not have, or a name twice.
    """
    written = getattr(function, "__annotations__", {})
    if "return" not in written:
        return Outputs(None, is_many=False)
    annotation = _evaluated(function, written["return"])
    if annotation in (None, type(None)):
        return Outputs([], is_many=False)
    parts = typing.get_args(annotation) if typing.get_origin(annotation) is tuple else ()
    if not parts or Ellipsis in parts:
        return Outputs([_output(annotation, _ONLY)], is_many=False)
    listed = [_output(each, f"output_{number}") for number, each in enumerate(parts)]
    if len({each.name for each in listed}) < len(listed):
        raise InvalidInputError(f"{function.__qualname__} returns two outputs of one name")
    return Outputs(listed, is_many=True)


def _output(annotation: Any, default: str) -> Output:
    if typing.get_origin(annotation) is Annotated:
        for each in annotation.__metadata__:
            if isinstance(each, str):
                return Output(each, ArtifactConfig(name=each))
            if isinstance(each, ArtifactConfig):
                return Output(each.name or default, each)
    return _unnamed(default)


def _unnamed(name: str) -> Output:
    return Output(name, ArtifactConfig())


def _evaluated(function: Callable[..., Any], annotation: Any) -> Any:
    """An annotation as an object, where ``from __future__ import annotations`` made it a text."""
    if not isinstance(annotation, str):
        return annotation
    only = SimpleNamespace(__annotations__={"return": annotation})
    closure = getattr(function, "__closure__", None) or ()
    free = dict(zip(function.__code__.co_freevars, closure, strict=True)) if closure else {}
    local = {name: cell.cell_contents for name, cell in free.items()}
    known = getattr(function, "__globals__", {})
    try:
        return typing.get_type_hints(only, known, local, include_extras=True)["return"]
    except NameError as error:
        raise InvalidInputError(
            f"what {function.__qualname__} returns is annotated with {annotation!r}, of which"
            f" {error.name!r} is not known when the step is defined; import it at run time"
        ) from error
