"""What writes answer, and what they are refused for before they begin."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.catalog.write import Prepared
from headwater.errors import PreconditionError
from headwater.store.base import Record, Store
from headwater.store.draft import Actor, load


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left. ``document`` is the JSON text that reads answer from now on."""

    id: str
    kind: str
    fqn: str
    version: str
    rev: int
    document: str
    created: bool
    changed: bool


def written_by(prepared: Prepared) -> Written:
    """What a prepared write leaves once it is committed."""
    write, stored = prepared.write, prepared.stored
    if write is not None:
        rev, created = write.expected_rev + 1, stored is None
        return Written(
            write.id, write.kind, write.fqn, write.version, rev, write.document, created, True
        )
    assert stored is not None  # noqa: S101  (a new entity is always written)
    return Written(
        stored.id, stored.kind, stored.fqn, stored.version, stored.rev, stored.document,
        created=False, changed=False,
    )  # fmt: skip


def commit(store: Store, prepared: Prepared, actor: Actor) -> Written:
    """Commit a prepared write."""
    prepared.draft.commit(store, actor)
    return written_by(prepared)


def check_rev(stored: Record | None, if_match: int | None) -> None:
    """Refuse a write whose ``If-Match`` names another state.

    Raises:
        PreconditionError: The entity has another rev, or is not there.
    """
    if if_match is None or (stored is not None and stored.rev == if_match):
        return
    if stored is None:
        raise PreconditionError("the entity is not there, so it cannot match", current=None)
    raise PreconditionError(
        f"{stored.kind} {stored.fqn!r} has changed: it is now at version {stored.version}",
        current=load(stored),
        rev=stored.rev,
    )
