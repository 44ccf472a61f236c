"""The arguments of a pipeline's or step's function: the call's, then the configuration's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.errors import InvalidInputError


def bind(
    signature: inspect.Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    configured: Mapping[str, Any],
    what: str,
) -> inspect.BoundArguments:
    """The arguments that a function is called with, defaults too.

    Args:
        signature: Of the function.
        args: By position.
        kwargs: By name.
        configured: In place of defaults; what the call gives goes before it.
        what: What the function is, for the message.

    Raises:
        InvalidInputError: The configuration has an argument that the function lacks.
    """
    if unknown := sorted(set(configured) - set(signature.parameters)):
        raise InvalidInputError(f"{what} has no parameter {', '.join(unknown)}")
    given = signature.bind_partial(*args, **kwargs).arguments
    rest = {name: each for name, each in configured.items() if name not in given}
    bound = signature.bind(*args, **{**kwargs, **rest})
    bound.apply_defaults()
    return bound


def flat(bound: inspect.BoundArguments) -> dict[str, Any]:
    """Every argument by name; those of ``*args`` as ``args[0]``, of ``**kwargs`` by their own."""
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found |= {f"{name}[{number}]": each for number, each in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found |= value
        else:
            found[name] = value
    return found


def replace(bound: inspect.BoundArguments, change: Callable[[Any], Any]) -> None:
    """Put in the place of every argument what it is changed to."""
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            bound.arguments[name] = tuple(map(change, value))
        elif kind is inspect.Parameter.VAR_KEYWORD:
            bound.arguments[name] = {key: change(each) for key, each in value.items()}
        else:
            bound.arguments[name] = change(value)
