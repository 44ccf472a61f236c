"""What a commit is compared with, and what is refused. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import EdgeKey, EntityWrite, OpenEdges, WriteSet


@dataclass(frozen=True, slots=True)
class Stored:
    """What a write set meets, read under the lock.

    Attributes:
        seq: The last commit's; ``at`` is its recorded time, ``events`` and ``entries`` the last
            numbers, ``changes`` how many changes of search text are not indexed yet.
        entities: Rev, parent's id and deleted flag of those that the write set names, by id.
        parts: Dropped flag of those that the write set names, by id.
        names: Who holds the names that the write set gives: id by kind and FQN.
        references: Id, field and target's id of every reference of the entities written.
        orphans: FQNs of live children, not written, of what the write set deletes.
        spelling: Ids of what spells an FQN that changes, by reference or as a child, and is not
            written.
        edges: Details of those of the write set's edges that are open.
        erased: Ids of the entities that the write set erases, and of their parts.
        needed: Who refers to an entity that is erased, or lies below one, and is not erased with
            it: id and what it does.
    """

    seq: int
    at: int
    events: int
    entries: int
    changes: int
    entities: Mapping[str, tuple[int, str | None, bool]]
    parts: Mapping[str, bool]
    names: Mapping[tuple[str, str], str]
    references: set[tuple[str, str, str]]
    orphans: Sequence[str]
    spelling: Sequence[str]
    edges: Mapping[EdgeKey, str]
    erased: frozenset[str] = frozenset()
    needed: Sequence[tuple[str, str]] = ()

    def without(self, erased: frozenset[str], needed: Sequence[tuple[str, str]]) -> Stored:
        """What is left of it when entities and their parts are gone."""
        return replace(
            self,
            entities={id_: each for id_, each in self.entities.items() if id_ not in erased},
            parts={id_: each for id_, each in self.parts.items() if id_ not in erased},
            names={name: id_ for name, id_ in self.names.items() if id_ not in erased},
            references={each for each in self.references if each[0] not in erased},
            edges={
                key: each
                for key, each in self.edges.items()
                if key.from_id not in erased and key.to_id not in erased
            },
            erased=erased,
            needed=needed,
        )


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
    _check_erased(stored, writes)
    _check_entries(stored, write_set)
    _check_names(stored, writes)
    _check_families(stored, writes)
    _check_references(stored, writes)
    _check_ends(stored, write_set)


def check_expected(stored: Stored, write_set: WriteSet) -> None:
    """Refuse what expects another state, before anything is erased from it.

    Raises:
        StaleWriteError: A rev differs, or what is to be erased is not there.
    """
    revs = {id_: rev for id_, (rev, _, _) in stored.entities.items()}
    expected = {**dict.fromkeys(write_set.erased, 0), **write_set.expects}
    for id_, rev in expected.items():
        if id_ not in revs or rev not in (0, revs[id_]):
            raise StaleWriteError(f"entity {id_} is not as it was read", id=id_)


def check_open(found: OpenEdges, expected: OpenEdges) -> None:
    """Refuse a write that was built on other edges of a producer.

    Raises:
        StaleWriteError: It has others open.
    """
    if found != expected:
        raise StaleWriteError(f"the edges of {expected.producer!r} are not as they were read")


def _check_revs(stored: Stored, write_set: WriteSet) -> None:
    revs = {id_: rev for id_, (rev, _, _) in stored.entities.items()}
    for write in write_set.entities:
        if revs.get(write.id, 0) != write.expected_rev:
            raise StaleWriteError(f"{write.kind} {write.fqn} is not as it was read", id=write.id)


def _check_erased(stored: Stored, writes: Mapping[str, EntityWrite]) -> None:
    for id_, does in stored.needed:
        write = writes.get(id_)
        if write is None or (does == "refers to" and write.references is None):
            raise StaleWriteError(f"entity {id_} {does} one that the write erases", id=id_)
    for write in writes.values():
        if write.parent_id in stored.erased and write.parent_id not in writes:
            raise StaleWriteError(
                f"entity {write.id} lies below one that the write erases", id=write.id
            )


def _check_entries(stored: Stored, write_set: WriteSet) -> None:
    there = {*stored.entities, *write_set.erased, *(write.id for write in write_set.entities)}
    for entry in write_set.entries:
        if entry.entity_id not in there:
            raise StaleWriteError(
                f"entity {entry.entity_id}, of which there is an entry to write, is not there",
                id=entry.entity_id,
            )


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
    if stored.spelling:
        raise StaleWriteError(f"entity {stored.spelling[0]} spells an FQN that changes")
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
