"""Where the application offers itself to clients that work without a server."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import httpx

from headwater.errors import HeadwaterError

TransportFactory = Callable[[str], httpx.BaseTransport]
"""From a store's URL to a transport that answers as a server of that store does."""

# Above this layer, hence by name; importing it registers its factory here.
_APPLICATION = "headwater.app"
_factories: list[TransportFactory] = []


def register_in_process(factory: TransportFactory) -> None:
    """Name what makes transports for ``Headwater.open``; the last one counts."""
    _factories[:] = [factory]


def in_process_transport(store: str | Path) -> httpx.BaseTransport:
    """Return a transport over a store, which it closes with itself.

    Args:
        store: A store's URL, or the path of a SQLite file.
    """
    if not _factories:
        import_module(_APPLICATION)
    if not _factories:
        raise HeadwaterError(f"{_APPLICATION} registers no way to work in process")
    text = str(store)
    if "://" not in text and text != ":memory:":
        text = str(Path(text).expanduser().absolute())  # a later chdir changes nothing
    return _factories[0](text)
