"""What a commit is compared with, and what is refused. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import EdgeKey, EntityWrite, WriteSet


@dataclass(frozen=True, slots=True)
class Stored:
    """What a write set meets, read under the lock.

    Attributes:
        seq: The last commit's; ``at`` is its recorded time, ``events`` the last event's number.
        entities: Rev, parent's id and deleted flag of those that the write set names, by id.
        parts: Dropped flag of those that the write set names, by id.
        names: Who holds the names that the write set gives: id by kind and FQN.
        references: Id, field and target's id of every reference of the entities written.
        orphans: FQNs of live children, not written, of what the write set deletes.
        edges: Details of those of the write set's edges that are open.
    """

    seq: int
    at: int
    events: int
    entities: Mapping[str, tuple[int, str | None, bool]]
    parts: Mapping[str, bool]
    names: Mapping[tuple[str, str], str]
    references: set[tuple[str, str, str]]
    orphans: Sequence[str]
    edges: Mapping[EdgeKey, str]


def check(stored: Stored, write_set: WriteSet) -> None:
    """Refuse what contradicts the stored state.

    Raises:
        StaleWriteError: A rev differs, or a target or a node is not there.
        AlreadyExistsError: A name is held by another entity.
    """
    writes = {write.id: write for write in write_set.entities}
    if len(writes) < len(write_set.entities):
        raise StaleWriteError("one commit writes an entity twice")
    _check_revs(stored, write_set)
    _check_names(stored, writes)
    _check_families(stored, writes)
    _check_references(stored, writes)
    _check_ends(stored, write_set)


def _check_revs(stored: Stored, write_set: WriteSet) -> None:
    revs = {id_: rev for id_, (rev, _, _) in stored.entities.items()}
    for id_, rev in write_set.expects.items():
        if id_ not in revs or rev not in (0, revs[id_]):
            raise StaleWriteError(f"entity {id_} is not as it was read", id=id_)
    for write in write_set.entities:
        if revs.get(write.id, 0) != write.expected_rev:
            raise StaleWriteError(f"{write.kind} {write.fqn} is not as it was read", id=write.id)


def _check_names(stored: Stored, writes: Mapping[str, EntityWrite]) -> None:
    given: set[tuple[str, str]] = set()
    for write in writes.values():
        name = (write.kind, write.fqn)
        holder = stored.names.get(name, write.id)
        if name in given or (holder != write.id and not _gives_up(writes.get(holder), name)):
            raise AlreadyExistsError(
                f"there is another {write.kind} {write.fqn}", kind=write.kind, fqn=write.fqn
            )
        given.add(name)


def _gives_up(write: EntityWrite | None, name: tuple[str, str]) -> bool:
    return write is not None and (write.kind, write.fqn) != name


def _check_families(stored: Stored, writes: Mapping[str, EntityWrite]) -> None:
    if stored.orphans:
        raise StaleWriteError(f"what is deleted has a child: {stored.orphans[0]}")
    for write in writes.values():
        if write.deleted or write.parent_id is None:
            continue
        above = writes.get(write.parent_id)
        _, _, gone = stored.entities.get(write.parent_id, (0, None, True))
        if above.deleted if above else gone:
            raise StaleWriteError(
                f"the parent of {write.kind} {write.fqn} is gone", id=write.parent_id
            )


def _check_references(stored: Stored, writes: Mapping[str, EntityWrite]) -> None:
    for write in writes.values():
        for reference in write.references or ():
            target = reference.target_id
            if target not in stored.entities and target not in writes:
                raise StaleWriteError(
                    f"{write.kind} {write.fqn} refers to {target} in {reference.field},"
                    " which is not there",
                    id=target,
                )


def _check_ends(stored: Stored, write_set: WriteSet) -> None:
    nodes = {*stored.entities, *stored.parts}
    for write in write_set.entities:
        nodes.add(write.id)
        nodes.update(part.id for part in write.parts)
    for edge in write_set.edges:
        for end in (edge.key.from_id, edge.key.to_id):
            if end not in nodes:
                raise StaleWriteError(f"an edge ends at {end}, which is not there", id=end)
