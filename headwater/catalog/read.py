"""Reading entities: one, lists, versions, differences."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from headwater.catalog.diff import diff, grouped
from headwater.catalog.filter import meant
from headwater.catalog.origin import origins_of, shown
from headwater.catalog.reference import spell_as_now
from headwater.catalog.stage import meant_stages
from headwater.errors import InvalidInputError, NotFoundError
from headwater.schemas import Kind, kind
from headwater.store.base import Deleted, Entry, Key, PageQuery, Record, Store
from headwater.store.draft import Document, load
from headwater.store.moment import AtVersion, Moment, sequence_of


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``after`` is the cursor of the next one, None on the last."""

    records: list[Record]
    after: str | None
    total: int | None


class CatalogReader:
    """The reads of the catalog."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(
        self,
        kind_name: str,
        key: Key,
        *,
        as_of: Moment | None = None,
        include_deleted: bool = False,
    ) -> Record:
        """Return an entity, now or at a moment.

        Raises:
            NotFoundError: There is none, it is of another kind, or it is soft-deleted.
        """
        if isinstance(as_of, AtVersion):
            key = self.get(kind_name, key, include_deleted=True).id
            as_of = sequence_of(self._store, as_of, key)
        found = self._store.find(key, as_of=as_of)
        if found is None or found.kind != kind_name or (found.deleted and not include_deleted):
            raise self._missing(kind_name, key, found, as_of)
        return found

    def list(
        self,
        kind_name: str,
        *,
        limit: int = 10,
        after: str | None = None,
        parent: Key | None = None,
        filters: Mapping[str, Sequence[str]] | None = None,
        deleted: Deleted = "exclude",
        total: bool = False,
    ) -> Page:
        """Return one page of a kind's entities, ordered by FQN.

        Args:
            filters: Values by facet (see ``list_filters``): of each one must hold. A facet without
                values does not filter. A value is an FQN, or ``kind:fqn``.

        Raises:
            InvalidInputError: ``after`` is not a cursor of a list; or the kind has no such facet,
                there is no such stage, or what is deleted is to be filtered.
            NotFoundError: The parent is not there.
        """
        which = kind(kind_name)
        chosen = _chosen(which, filters or {}, deleted)
        if "stage" in chosen:
            chosen["stage"] = meant_stages(self._store, chosen["stage"], [which])
        filtered = meant(self._store, chosen, [which.name])
        parent_id = None
        if parent is not None:
            if which.parent_kind is None:
                raise InvalidInputError(f"a {which.name} has no parent to filter by")
            key = (which.parent_kind, parent) if isinstance(parent, str) else parent
            parent_id = self.get(which.parent_kind, key, include_deleted=True).id
        query = PageQuery(which.name, limit + 1, _cursor(after), parent_id, deleted)
        records = filtered.page(self._store, query)
        more = len(records) > limit
        records = records[:limit]
        next_after = _encode(records[-1].fqn) if more else None
        return Page(records, next_after, filtered.count(self._store, query) if total else None)

    def versions(
        self, kind_name: str, key: Key, *, limit: int = 100, before_rev: int | None = None
    ) -> Sequence[Record]:
        """Return the states that carried each version last, newest first.

        Args:
            before_rev: Rev of the last state of the page before.
        """
        entity = self.get(kind_name, key, include_deleted=True)
        start = before_rev + 1 if before_rev is not None else None  # that state's version is known
        latest: dict[str, Record] = {}
        while len(latest) <= limit:
            states = self._store.versions(entity.id, limit=limit + 1, before_rev=start)
            for state in states:
                latest.setdefault(state.version, state)
            if len(states) <= limit:
                break
            start = states[-1].rev  # a version may have more states than a page
        return [state for state in latest.values() if state.rev != before_rev][:limit]

    def get_version(self, kind_name: str, key: Key, version: str) -> Record:
        """Return an entity as it was in one version.

        Raises:
            NotFoundError: The entity never had that version; the message has the newest one.
        """
        entity = self.get(kind_name, key, include_deleted=True)
        found = self._store.find(entity.id, version=version)
        if found is None:
            raise NotFoundError(
                f"{kind_name} {entity.fqn!r} has no version {version!r}; "
                f"the newest is {entity.version}",
                version=version,
            )
        return found

    def provenance(self, kind_name: str, key: Key, *, as_of: Moment | None = None) -> Document:
        """Return who set each field of an entity, and how.

        Returns:
            ``{id, kind, fullyQualifiedName, version, origins}``; an origin is ``{field, by, kind,
            writer}``, with ``producer``, ``also`` and ``removed`` where they apply (see
            ``origin.py``). The field ``""`` speaks for all those that no other origin names.

        Raises:
            NotFoundError: There is no such entity.
        """
        found = self.get(kind_name, key, as_of=as_of, include_deleted=True)
        marks = origins_of(found)
        return {
            "id": found.id,
            "kind": found.kind,
            "fullyQualifiedName": found.fqn,
            "version": found.version,
            "origins": sorted(
                ({"field": shown(*each), **each[1]} for each in marks.items()),
                key=lambda mark: str(mark["field"]),
            ),
        }

    def diff(self, kind_name: str, key: Key, a: str, b: str) -> Document:
        """Return what changed from version ``a`` to version ``b`` of an entity.

        What is referred to has the name that it has now in both, for a rename is no change of this.
        """
        which = kind(kind_name)
        old, new = self.get_version(kind_name, key, a), self.get_version(kind_name, key, b)
        before, after = load(old), load(new)
        spell_as_now(self._store, which.shape, before, after)
        changes = diff(which, before, after)
        return {
            "id": new.id,
            "kind": which.name,
            "fullyQualifiedName": new.fqn,
            "from": a,
            "to": b,
            "major": any(change.major for change in changes),
            **grouped(changes),
        }

    def _missing(
        self, kind_name: str, key: Key, found: Record | None, as_of: int | None
    ) -> NotFoundError:
        what = f"{kind_name} {key[1]!r}" if isinstance(key, tuple) else f"{kind_name} with id {key}"
        if found is not None and found.kind != kind_name:
            return NotFoundError(f"there is no {what}; that id is a {found.kind}")
        if found is not None:
            hint = "restore brings it back"
            return NotFoundError(f"{what} is deleted; {hint}", id=found.id, deleted=True)
        when = f" as of {as_of}" if as_of is not None else ""
        stone = None if isinstance(key, tuple) else self._tombstone(key)
        if stone:
            at = datetime.fromtimestamp(stone.recorded_at / 1000, UTC).isoformat(timespec="seconds")
            message = f"{what} was erased at {at} by {stone.actor}"
            return NotFoundError(message, erased=True, erasedAt=stone.recorded_at)
        named = {"kind": kind_name, "fqn": key[1]} if isinstance(key, tuple) else {}
        if named and as_of is not None:
            if self._store.find(key):
                return NotFoundError(f"there was no {what} yet{when}")
            when = "; as of any moment it is asked for by the name that it has now, or by its id"
        return NotFoundError(f"there is no {what}{when}", **named)

    def _tombstone(self, entity_id: str) -> Entry | None:
        found = self._store.entries(entity_ids=[entity_id], types=["tombstone"], limit=1)
        return found[0] if found else None


def list_filters(which: Kind) -> tuple[str, ...]:
    """The facets that entities of a kind have and can be listed by."""
    has_stages = which.shape.fields.keys() & {"stage", "lifecycle"}
    return (
        *(["service"] if which.parent else []), "owner", "tag", *(["stage"] if has_stages else [])
    )  # fmt: skip


def _chosen(
    which: Kind, filters: Mapping[str, Sequence[str]], deleted: Deleted
) -> dict[str, tuple[str, ...]]:
    """Check what a list is filtered by."""
    for facet in filters.keys() - list_filters(which):
        known = ", ".join(list_filters(which))
        raise InvalidInputError(f"{which.collection} are filtered by {known}, not by {facet!r}")
    chosen = {facet: tuple(dict.fromkeys(values)) for facet, values in filters.items() if values}
    if chosen and deleted != "exclude":
        raise InvalidInputError(
            f"what is deleted has no {' and no '.join(chosen)}; leave out the filter, or include"
        )
    return chosen


def _encode(fqn: str) -> str:
    return base64.urlsafe_b64encode(fqn.encode()).decode().rstrip("=")


def _cursor(after: str | None) -> str | None:
    if after is None:
        return None
    try:
        return base64.b64decode(
            after + "=" * (-len(after) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInputError("`after` is not a cursor that a list answered") from error
