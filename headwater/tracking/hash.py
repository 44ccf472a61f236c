"""What tells whether a step would do the same again: hashes of code, of values, and of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.tracking.content import Content
from headwater.tracking.materializer import Materializer, type_name
from headwater.tracking.materializers import registry


@dataclass(frozen=True, slots=True)
class CodeContent:
    """What a function does.

    Attributes:
        hash: See ``code_hash``.
        unknown: What decides it beside that and cannot be hashed, in words.
    """

    hash: str
    unknown: Sequence[str]


def code_content(function: Callable[..., Any]) -> CodeContent:
    """Return the hash of what a function does, and what is not in it."""
    content = Content()
    found = content.hash_of(function)
    return CodeContent(f"sha256:{found}", content.unknown)


def code_hash(function: Callable[..., Any], *, data: bool = True) -> str:
    """Return the hash of what a function does, the same in every process of one Python release.

    It is of the compiled code, so that comments and layout do not count and no source file is
    needed; of defaults, annotations, attributes and the variables of the functions around it; and
    of all that the code names, in its module and in others of the user's own: values by their
    content, functions and classes with their bases by their code and what that names in turn. What
    libraries define counts by its name and their version. Limits: names that are put together at
    run time, files, the environment and the data behind a connection do not count.

    Args:
        function: A function, or another callable.
        data: Whether the content of arrays and frames counts; else only that there are some.
    """
    return f"sha256:{Content(data=data).hash_of(function)}"


def value_hash(value: Any) -> str:
    """Return the hash of a value, by the bytes that a materializer writes and by which one it is.

    Raises:
        InvalidInputError: No materializer writes the value.
    """
    return _hashed(registry.for_value(value), value)


def file_hash(path: str) -> str | None:
    """Return the hash of a file's content; None where there is no file that can be read."""
    try:
        with Path(path).expanduser().open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return None


def kind_of(value: Any) -> Any:
    """Return what JSON does not tell of a value that it can hold: types, and the order of names."""
    name = type_name(type(value))
    if isinstance(value, Mapping):
        return [name, [[key, kind_of(each)] for key, each in value.items()]]
    return [name, *map(kind_of, value)] if isinstance(value, (list, tuple)) else name


def cache_key(code: str, parameters: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Return what is equal for two calls of a step when the one's outputs are the other's.

    Args:
        code: The ``code_hash`` of the step.
        parameters: Values by name.
        inputs: Hashes of artifacts, by the name of the parameter that takes each.

    Raises:
        InvalidInputError: No materializer writes a parameter.
    """
    hashed = {name: value_hash(value) for name, value in parameters.items()}
    text = json.dumps([code, hashed, dict(inputs)], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _hashed(materializer: Materializer, value: Any) -> str:
    digest = hashlib.sha256(f"{materializer.data_type}\n".encode())
    digest.update(materializer.dump(value))
    return f"sha256:{digest.hexdigest()}"
