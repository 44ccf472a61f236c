"""Records of many entities in one commit, without those that say what is known already."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.catalog.record_check import MAX_RECORDS, check_record, check_type
from headwater.errors import InvalidInputError
from headwater.schemas import kinds
from headwater.store.base import EntryWrite, Key, Store
from headwater.store.draft import Actor, Draft, dump, now_ms, until_current

_FIELDS = ("entity", "type", "key", "at", "data")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A record as a request says it; without a time it is of now."""

    entity: Key
    type: str
    key: str
    at: int | None
    data: str


def put_records(store: Store, body: Any, *, actor: Actor) -> dict[str, int]:
    """See ``RecordService.put``."""
    if not isinstance(body, list) or not 1 <= len(body) <= MAX_RECORDS:
        raise InvalidInputError(f"records are put as a list of 1 to {MAX_RECORDS}")
    asked = [_check(item, f"/{index}") for index, item in enumerate(body)]

    def attempt() -> dict[str, int]:
        ids = _ids(store, [each.entity for each in asked])
        entries = list(_news(store, ids, asked))
        draft = Draft(entries=entries, expects={each.entity_id: 0 for each in entries})
        draft.commit(store, actor)
        return {"appended": len(entries), "unchanged": len(asked) - len(entries)}

    return until_current(attempt)


def _ids(store: Store, keys: Sequence[Key]) -> list[str]:
    """The ids of live entities, in the order of the keys."""
    found = store.find_many(set(keys))
    for index, key in enumerate(keys):
        if key not in found or found[key].deleted:
            raise InvalidInputError.at(f"/{index}/entity", "there is no such entity")
    return [found[key].id for key in keys]


def _news(store: Store, ids: Sequence[str], asked: Sequence[_Asked]) -> Iterator[EntryWrite]:
    known: dict[tuple[str, str, str], tuple[int, str]] = {}
    before: int | None = None
    types = {each.type for each in asked}
    while page := store.entries(
        entity_ids=set(ids), types=types, before=before, latest=True, limit=MAX_RECORDS
    ):
        known.update({(each.entity_id, each.type, each.key): (each.at, each.data) for each in page})
        before = page[-1].number
    now = now_ms()
    for entity_id, each in zip(ids, asked, strict=True):
        name = (entity_id, each.type, each.key)
        at, data = known.get(name, (0, ""))
        if data == each.data and each.at in (None, at):
            continue
        at = now if each.at is None else each.at
        known[name] = (at, each.data)
        yield EntryWrite(entity_id, each.type, each.key, at, each.data)


def _check(item: Any, pointer: str) -> _Asked:
    if not isinstance(item, dict):
        raise InvalidInputError.at(pointer, f"a record is an object with {', '.join(_FIELDS)}")
    type_ = item.get("type")
    if not isinstance(type_, str):
        raise InvalidInputError.at(f"{pointer}/type", "is required")
    check_type(type_, f"{pointer}/type")
    rest = {name: value for name, value in item.items() if name not in _FIELDS[:2]}
    key, at, data = check_record(rest, type_, pointer)
    return _Asked(_entity(item.get("entity"), f"{pointer}/entity"), type_, key, at, dump(data))


def _entity(value: Any, pointer: str) -> Key:
    """The key of an entity that a reference names with its kind."""
    given = value if isinstance(value, dict) else {}
    kind, id_, fqn = (given.get(name) for name in ("type", "id", "fullyQualifiedName"))
    if not isinstance(kind, str) or kind not in kinds():
        raise InvalidInputError.at(pointer, "an entity is named with its kind as `type`")
    if isinstance(id_, str):
        return id_.lower()
    if not isinstance(fqn, str):
        raise InvalidInputError.at(pointer, "a reference has an id or a fullyQualifiedName")
    return (kind, unicodedata.normalize("NFC", fqn))
