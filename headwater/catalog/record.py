"""Records: what is appended about an entity and makes no version of it, followers and votes too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pydantic_core

from headwater.catalog.service import CatalogService
from headwater.document import whole
from headwater.errors import AccessError, InvalidInputError
from headwater.schemas import kind
from headwater.store.base import Entry, EntryWrite, Key, Record, Store
from headwater.store.draft import Actor, Document, Draft, dump, now_ms, until_current

Vote = Literal["up", "down", "none"]
VOTES: tuple[Vote, ...] = ("up", "down", "none")
OWN = frozenset({"follower", "vote", "lifecycle", "modelVersion", "tombstone"})
"""Types that other services write. They can be read here, but for those that are secret."""
SECRET = frozenset({"token", "signIn"})
MAX_KEY = 256
MAX_RECORDS = 1000

_TYPE = re.compile(r"[a-z][A-Za-z0-9]{0,63}")


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
        _check_type(type_)
        if type_ in OWN | SECRET:
            raise InvalidInputError(f"records of type {type_!r} are written by what they record")
        items = body if isinstance(body, list) else [body]
        if not 1 <= len(items) <= MAX_RECORDS:
            raise InvalidInputError(f"1 to {MAX_RECORDS} records at once, not {len(items)}")
        prefix = "/{}" if isinstance(body, list) else ""
        checked = [_check(item, type_, prefix.format(i)) for i, item in enumerate(items)]
        return self._append(kind_name, key, type_, checked, actor)

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
        _check_type(type_)
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
        return self._append(kind_name, key, type_, [(who.id, now_ms(), data)], actor)

    def _append(
        self,
        kind_name: str,
        key: Key,
        type_: str,
        records: Sequence[tuple[str, int, Document]],
        actor: Actor,
    ) -> Sequence[Document]:
        def attempt() -> Sequence[Entry]:
            entity = self._catalog.get(kind_name, key)
            writes = [EntryWrite(entity.id, type_, k, at, dump(data)) for k, at, data in records]
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


def _check_type(type_: str) -> None:
    if _TYPE.fullmatch(type_) is None:
        raise InvalidInputError(
            f"{type_!r} is no type of record: letters and digits, the first in lower case"
        )


def _check(item: Any, type_: str, pointer: str) -> tuple[str, int, Document]:
    if not isinstance(item, dict):
        raise InvalidInputError.at(pointer, "a record is an object with key, at and data")
    for name in item:
        if name not in ("key", "at", "data"):
            raise InvalidInputError.at(f"{pointer}/{name}", "a record has key, at and data")
    key, at, data = item.get("key", ""), whole(item.get("at")), item.get("data", {})
    if not isinstance(key, str) or len(key) > MAX_KEY:
        raise InvalidInputError.at(f"{pointer}/key", f"a key is text of up to {MAX_KEY} characters")
    if at is not None and (not isinstance(at, int) or isinstance(at, bool) or abs(at) >= 2**53):
        raise InvalidInputError.at(f"{pointer}/at", "a time in whole milliseconds since the epoch")
    if not isinstance(data, dict):
        raise InvalidInputError.at(f"{pointer}/data", "the data of a record is an object")
    value = data.get("value")
    if type_ == "metric" and (not isinstance(value, (int, float)) or isinstance(value, bool)):
        raise InvalidInputError.at(f"{pointer}/data/value", "a metric has a number as its value")
    return key, now_ms() if at is None else at, data


def _is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
