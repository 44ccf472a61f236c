"""Moments that the past is asked by, and the commits that they mean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from headwater.errors import NotFoundError
from headwater.store.base import Record, Store

_PAGE = 20


@dataclass(frozen=True, slots=True)
class AtVersion:
    """When the entity that is asked about got a version."""

    version: str


Moment = int | AtVersion
"""The seq of a commit, or the commit that wrote a version."""


def sequence_of(store: Store, moment: Moment | None, entity_id: str) -> int | None:
    """Return the seq that a moment means for an entity; None (now) stays None.

    Raises:
        NotFoundError: The entity never had that version.
    """
    return _first(store, entity_id, moment.version).seq if isinstance(moment, AtVersion) else moment


def _first(store: Store, entity_id: str, version: str) -> Record:
    """The first of the states that carry a version: renames and resolved sources make none."""
    first = store.find(entity_id, version=version)
    if first is None:
        raise _never(store.find(entity_id), version)
    while True:
        earlier = store.versions(entity_id, before_rev=first.rev, limit=_PAGE)
        alike = [*takewhile(lambda state: state.version == version, earlier)]
        first = alike[-1] if alike else first
        if len(alike) < _PAGE:
            return first


def _never(entity: Record | None, version: str) -> NotFoundError:
    if entity is None:
        return NotFoundError(f"there is no version {version!r} of what is gone", version=version)
    return NotFoundError(
        f"{entity.kind} {entity.fqn!r} has no version {version!r}; the newest is {entity.version}",
        version=version,
    )
