"""The catalog that models, pipelines and steps of this process speak to."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headwater.sdk import Headwater

DEFAULT_URL = "http://127.0.0.1:8585"
DEFAULT_SERVICE = "headwater"
_Environment = tuple[str | None, ...]


@dataclass
class _State:
    """The process's connection, and, when the environment named it, what that said.

    Attributes:
        opens: Makes the client anew, in a process that was forked: two cannot share a connection.
        process: Id of the process that made the client.
    """

    client: Headwater | None = None
    opens: Callable[[], Headwater] | None = None
    process: int = 0
    environment: _Environment | None = None
    service: str | None = None


_state = _State()


def connect(
    catalog: str | Headwater | None = None,
    *,
    store: str | Path | None = None,
    token: str | None = None,
    service: str | None = None,
) -> Headwater:
    """Say which catalog this process tracks in, and return the client.

    Without a call, and by a call without arguments, the environment says it: ``HEADWATER_URL``
    (with ``HEADWATER_TOKEN``), else ``HEADWATER_STORE``, else the server on this machine.

    Args:
        catalog: Address of a server, or a client.
        store: In place of a server: a file, or a store's URL, to work on in process.
        token: What signs in at the server.
        service: The service that models are in; ``HEADWATER_MODEL_SERVICE``, else ``headwater``.
    """
    disconnect()
    _state.service = service
    if isinstance(catalog, Headwater):
        _state.client, _state.process = catalog, os.getpid()
    elif store is not None:
        _open(partial(Headwater.open, store))
    elif catalog is not None:
        _open(partial(Headwater, catalog, token=token))
    return current()


def current() -> Headwater:
    """The client of the catalog that this process tracks in; nothing is sent."""
    if _state.opens is not None and _state.process != os.getpid():
        _open(_state.opens)
    if _state.client is not None and _state.environment is None:
        return _state.client
    environment = tuple(os.environ.get(f"HEADWATER_{name}") for name in ("URL", "STORE", "TOKEN"))
    if _state.client is None or environment != _state.environment:
        service = _state.service
        disconnect()
        url, store, _ = environment
        if store and not url:
            found = _open(partial(Headwater.open, store))
        else:
            found = _open(partial(Headwater, url or DEFAULT_URL))
        _state.environment, _state.service = environment, service
        return found
    return _state.client


def _open(opens: Callable[[], Headwater]) -> Headwater:
    client = opens()
    _state.client, _state.opens, _state.process = client, opens, os.getpid()
    return client


def model_service() -> str:
    """The name of the service that models are in."""
    return _state.service or os.environ.get("HEADWATER_MODEL_SERVICE") or DEFAULT_SERVICE


@atexit.register
def disconnect() -> None:
    """Close the process's connection; the next use opens what the environment says."""
    if _state.client is not None and _state.process == os.getpid():
        _state.client.close()
    _state.client = _state.opens = _state.environment = _state.service = None
