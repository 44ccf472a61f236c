"""Which artifacts the values of a run are: by the object itself, and by the hash of its content."""

from __future__ import annotations

import weakref
from typing import Any

from headwater.tracking.artifact import ArtifactHandle

_SHARED = (type(None), bool, int)
"""Python has one object for all that are equal; that tells nothing of where one comes from."""


class ValueMap:
    """Values that steps returned, and the artifacts that they are.

    Values are not kept alive by it, but for those that Python cannot refer to weakly, such as
    texts and lists.
    """

    def __init__(self) -> None:
        """Make it empty."""
        self._known: dict[int, tuple[Any, ArtifactHandle]] = {}
        self._by_hash: dict[str, ArtifactHandle] = {}

    def add(self, value: Any, handle: ArtifactHandle) -> None:
        """Note what artifact a value is."""
        if handle.hash is not None:
            self._by_hash.setdefault(handle.hash, handle)
        if not isinstance(value, _SHARED):
            self._known[id(value)] = (_kept(value), handle)

    def find(self, value: Any) -> ArtifactHandle | None:
        """The artifact that a value is, by the object itself."""
        kept, handle = self._known.get(id(value), (None, None))
        alive = kept() if isinstance(kept, weakref.ref) else kept
        return handle if alive is value else None

    def of_hash(self, digest: str) -> ArtifactHandle | None:
        """The artifact that has a content."""
        return self._by_hash.get(digest)


def _kept(value: Any) -> Any:
    try:
        return weakref.ref(value)
    except TypeError:
        return value
