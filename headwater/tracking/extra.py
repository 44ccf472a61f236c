"""Loading the packages that tracking needs only for what is asked of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from headwater.errors import NotInstalledError


def load(name: str, *, to: str, extra: str = "tracking") -> Any:
    """Return a module.

    Args:
        name: Of the module, dotted.
        to: What it is needed for, as it follows "to".
        extra: The one that its package is in.

    Raises:
        NotInstalledError: The package, or one that it needs, is missing.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            f"{error.name} is needed to {to}: pip install 'headwater[{extra}]'", extra=extra
        ) from error
