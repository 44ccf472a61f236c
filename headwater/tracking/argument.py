"""The arguments of a pipeline's or step's function: the call's, then the configuration's."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
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
