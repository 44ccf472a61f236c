"""Records: what is appended about an entity and makes no version of it, followers and votes too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pydantic_core

from headwater.catalog.record_check import MAX_RECORDS, SECRET, check_record, check_type
from headwater.catalog.record_put import put_records
from headwater.catalog.service import CatalogService
from headwater.errors import AccessError, InvalidInputError
from headwater.schemas import kind
from headwater.store.base import Entry, EntryWrite, Key, Record, Store
from headwater.store.draft import Actor, Document, Draft, dump, now_ms, until_current

Vote = Literal["up", "down", "none"]
VOTES: tuple[Vote, ...] = ("up", "down", "none")


class RecordService:
    """Metrics, statuses, usage and whatever else is measured again and again; who follows what."""

    def __init__(self, store: Store, catalog: CatalogService) -> None:
        self._store = store
        self._catalog = catalog

    def append(
        self, kind_name: str, key: Key, type_: str, body: Any, *, actor: Actor
    ) -> Sequence[Document]:
        """Append records of one type to an entity, all or none.

        Args:
            type_: Such as ``metric``, ``status``, ``usage``.
            body: One record or a list of them: ``{key?, at?, data?}``. ``at`` is when it was so, in
                milliseconds since the epoch, now unless given; the ``data`` of a metric has a
                number ``value``.

        Raises:
            NotFoundError: There is no such entity.
            InvalidInputError: The type is not one, or is written by other means; or a record is
                not valid, with a pointer to what of it.
        """
        kind(kind_name)
        check_type(type_)
        items = body if isinstance(body, list) else [body]
        if not 1 <= len(items) <= MAX_RECORDS:
            raise InvalidInputError(f"1 to {MAX_RECORDS} records at once, not {len(items)}")
        prefix = "/{}" if isinstance(body, list) else ""
        checked = [check_record(item, type_, prefix.format(i)) for i, item in enumerate(items)]
        return self._append(kind_name, key, type_, checked, actor)

    def put(self, body: Any, *, actor: Actor) -> dict[str, int]:
        """Append records to many entities, all or none, but for what is known already.

        Known is what the newest record of the same entity, type and key says: the same data and,
        where the request has a time, the same time. A connector may so say each night what it sees.

        Args:
            body: A list of ``{entity, type, key?, at?, data?}``, where the entity is a reference
                that tells its kind as ``type``.

        Returns:
            How many were ``appended``, and how many are ``unchanged``.

        Raises:
            InvalidInputError: A record is not valid or has no such entity, with a pointer.
        """
        return put_records(self._store, body, actor=actor)

    def list(
        self,
        kind_name: str,
        key: Key,
        type_: str,
        *,
        record_key: str | None = None,
        latest: bool = False,
        before: int | None = None,
        as_of: int | None = None,
        limit: int = 100,
    ) -> Sequence[Entry]:
        """Return records of one type, newest first.

        Args:
            record_key: Only those with this key.
            latest: Only the newest of each key: what was appended last, whatever its ``at``.
            before: Number of the last one of the page before.

        Raises:
            NotFoundError: There is no such entity.
        """
        check_type(type_, reads=True)
        if type_ in SECRET:
            raise InvalidInputError(f"records of type {type_!r} are not shown")
        entity = self._catalog.get(kind_name, key, include_deleted=True, as_of=as_of)
        return self._store.entries(
            entity_ids=[entity.id],
            types=[type_],
            keys=None if record_key is None else [record_key],
            before=before,
            as_of=as_of,
            latest=latest,
            limit=limit,
        )

    def follow(
        self, kind_name: str, key: Key, user: Key, *, actor: Actor, following: bool = True
    ) -> Sequence[Document]:
        """Let a user follow an entity, or no longer.

        Raises:
            NotFoundError: There is no such entity or user.
            AccessError: The actor is neither that user nor an admin.
        """
        return self._by_user(kind_name, key, "follower", user, {"following": following}, actor)

    def vote(
        self, kind_name: str, key: Key, user: Key, vote: str, *, actor: Actor
    ) -> Sequence[Document]:
        """Set a user's vote on an entity: ``up``, ``down`` or ``none``.

        Raises:
            NotFoundError: There is no such entity or user.
            InvalidInputError: It is no vote.
            AccessError: The actor is neither that user nor an admin.
        """
        if vote not in VOTES:
            raise InvalidInputError.at("/vote", f"a vote is {' or '.join(VOTES)}, not {vote!r}")
        return self._by_user(kind_name, key, "vote", user, {"vote": vote}, actor)

    def followers(self, kind_name: str, key: Key) -> Sequence[Record]:
        """Return the users who follow an entity, by name."""
        entries = self._all_latest(kind_name, key, "follower")
        live = self._live(each.key for each in entries if '"following":true' in each.data)
        return sorted(live, key=lambda record: record.fqn)

    def votes(self, kind_name: str, key: Key) -> dict[str, int]:
        """Return how many users that are still there voted an entity ``up`` and ``down``."""
        entries = self._all_latest(kind_name, key, "vote")
        live = {record.id for record in self._live(each.key for each in entries)}
        entries = [each for each in entries if each.key in live]
        return {
            vote: sum(f'"vote":"{vote}"' in each.data for each in entries) for vote in VOTES[:2]
        }

    # Inside

    def _by_user(
        self, kind_name: str, key: Key, type_: str, user: Key, data: Document, actor: Actor
    ) -> Sequence[Document]:
        user = ("user", user) if isinstance(user, str) and not _is_id(user) else user
        who = self._catalog.get("user", user)
        if actor.role != "admin" and who.name != actor.name:
            raise AccessError(
                f"who follows and votes says so alone, or an admin does: this token is"
                f" {actor.name!r}'s, not {who.name!r}'s"
            )
        held = self._store.entries(
            entity_ids=[self._catalog.get(kind_name, key).id],
            types=[type_],
            keys=[who.id],
            limit=1,
        )
        if held and held[0].data == dump(data):
            return [as_json(held[0])]
        return self._append(kind_name, key, type_, [(who.id, None, data)], actor)

    def _append(
        self,
        kind_name: str,
        key: Key,
        type_: str,
        records: Sequence[tuple[str, int | None, Document]],
        actor: Actor,
    ) -> Sequence[Document]:
        def attempt() -> Sequence[Entry]:
            entity, now = self._catalog.get(kind_name, key), now_ms()
            writes = [
                EntryWrite(entity.id, type_, k, now if at is None else at, dump(data))
                for k, at, data in records
            ]
            seq = Draft(entries=writes, expects={entity.id: 0}).commit(self._store, actor)
            made = self._store.entries(
                entity_ids=[entity.id], types=[type_], as_of=seq, limit=len(writes)
            )
            return made[::-1]

        return [as_json(entry) for entry in until_current(attempt)]

    def _live(self, user_ids: Iterable[str]) -> Sequence[Record]:
        ids = [*user_ids]
        found = self._store.find_many(ids) if ids else {}
        return [record for record in found.values() if not record.deleted]

    def _all_latest(self, kind_name: str, key: Key, type_: str) -> Sequence[Entry]:
        entries, before = list[Entry](), None
        while page := self.list(
            kind_name, key, type_, latest=True, before=before, limit=MAX_RECORDS
        ):
            entries += page
            before = page[-1].number
        return entries


def as_json(entry: Entry) -> Document:
    """A record as answers spell it."""
    return {
        "number": entry.number,
        "type": entry.type,
        **({"key": entry.key} if entry.key else {}),
        "at": entry.at,
        "recordedAt": entry.recorded_at,
        "recordedBy": entry.actor,
        **({"producer": entry.producer} if entry.producer else {}),
        "data": pydantic_core.from_json(entry.data),
    }


def _is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
