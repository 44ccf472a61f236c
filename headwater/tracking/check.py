"""What people give where a model, a version or a function is wanted; what is wrong is told so."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from headwater import names
from headwater.errors import InvalidInputError, NotFoundError


def check_text(name: Any, of: str) -> None:
    """Refuse what is no text where a name, an FQN or an id is wanted.

    Raises:
        InvalidInputError: It is something else.
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"{of} has a name, which is text and not {name!r}")


def check_name(name: Any, of: str) -> None:
    """Refuse what cannot be a name.

    Raises:
        InvalidInputError: It is no text, empty, too long, or has a control character.
    """
    check_text(name, of)
    names.check_name(name)


def check_options(of: str, name: Any, enable_cache: Any) -> None:
    """Refuse what a pipeline or step cannot be called, and what does not say whether to cache.

    Raises:
        InvalidInputError: One of them is neither None nor such.
    """
    if name is not None:
        check_name(name, of)
    if enable_cache is not None and not isinstance(enable_cache, bool):
        raise InvalidInputError(f"enable_cache is True or False, and not {enable_cache!r}")


def check_version(version: str | int | None) -> None:
    """Refuse what cannot say which version of a model is meant.

    Raises:
        InvalidInputError: It is neither a text nor a number from 1.
    """
    if version is None:
        return
    if isinstance(version, bool) or not isinstance(version, (str, int)):
        raise InvalidInputError(f"a version is a name, a number or a stage, not {version!r}")
    if isinstance(version, int) and version < 1:
        raise InvalidInputError(f"versions are numbered from 1, so that none is {version}")
    if isinstance(version, str):
        names.check_name(version)


def check_tags(tags: Any) -> None:
    """Refuse what is no list of words.

    Raises:
        InvalidInputError: It is one text, or holds something else.
    """
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise InvalidInputError(f"tags are a list of words, not {tags!r}")
    for each in tags:
        check_name(each, "a tag")


def check_model(model: Any) -> None:
    """Refuse what is no ``Model``.

    Raises:
        InvalidInputError: It is something else, such as a model's name.
    """
    if model is not None and not hasattr(model, "wanted"):
        hint = f"Model({model!r})" if isinstance(model, str) else "Model(name)"
        raise InvalidInputError(f"model= takes a Model, such as {hint}, and not {model!r}")


def check_step(step: str, known: Sequence[str], run: str = "the run") -> None:
    """Refuse the name of a step that a run does not have.

    Raises:
        NotFoundError: It has others, which the message lists.
    """
    if step not in known:
        listed = ", ".join(map(repr, known)) or "none"
        raise NotFoundError(f"{run} has no step {step!r}; it has {listed}")


def check_function(function: Any, of: str) -> None:
    """Refuse to decorate what is no function.

    Raises:
        InvalidInputError: It is something else, such as a name, or is not done when it returns.
    """
    if not callable(function) or not hasattr(function, "__qualname__"):
        raise InvalidInputError(f"@{of} is for a function, and not {function!r}; name= names it")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidInputError(
            f"@{of} is for a function that is done when it returns, and {function.__name__!r} is"
            " async; call asyncio.run(…) in one that is not"
        )
    if of == "step" and inspect.isgeneratorfunction(function):
        raise InvalidInputError(
            f"step {function.__name__!r} yields, and what a step makes is what it returns: a list"
        )
