"""What MLflow keeps of models and versions beside what ours have: as records of the entity.

Tags are records of the type ``mlflowTag``: the key is the tag's, the data ``{"value": text}``, or
``{"deleted": true}`` once it is taken away. What was said at the registration is one of the type
``mlflow``: the key is the run's id, ``at`` when it was, the data ``runLink`` and ``modelId``; who
moves a registry here says ``updatedAt`` and ``userId``, too. Whoever may write records may have
written these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import from_json

from headwater.store.base import Entry, EntryWrite, Record, Store
from headwater.store.draft import Document, dump, load

TAG = "mlflowTag"
REGISTRATION = "mlflow"
ALL = 2**31
"""A limit that is none."""


class Item(NamedTuple):
    """A model or version, with its document parsed."""

    record: Record
    document: Document


def items(records: Iterable[Record]) -> list[Item]:
    """The records with their documents."""
    return [Item(record, load(record)) for record in records]


@dataclass(slots=True)
class Note:
    """What is known of one entity.

    Attributes:
        created: When it was registered, in milliseconds; ``updated``: when it last changed.
    """

    created: int = 0
    updated: int = 0
    user: str = ""
    run_id: str = ""
    run_link: str = ""
    model_id: str = ""
    tags: dict[str, str] = field(default_factory=dict)


class Notes:
    """Reads notes, those of many entities at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._first = lru_cache(maxsize=100_000)(self._first_state)

    def of(self, of: Collection[Item]) -> dict[str, Note]:
        """The notes of models or versions, by their ids."""
        if not of:
            return {}
        ids = [each.record.id for each in of]
        entries = self._store.entries(entity_ids=ids, types=[TAG, REGISTRATION], limit=ALL)
        told, tags = dict[str, Entry](), defaultdict[str, dict[str, str]](dict)
        for entry in reversed(entries):  # the newest counts
            if entry.type == REGISTRATION:
                told[entry.entity_id] = entry
            elif isinstance(value := _data(entry).get("value"), str):
                tags[entry.entity_id][entry.key] = value
            else:
                tags[entry.entity_id].pop(entry.key, None)
        moves = self._moves([each.record for each in of])
        return {
            (id_ := each.record.id): self._note(each, told.get(id_), moves.get(id_), tags[id_])
            for each in of
        }

    def tagged(self, key: str) -> dict[str, str]:
        """The value of a tag by the id of each entity that has it."""
        entries = self._store.entries(types=[TAG], keys=[key], latest=True, limit=ALL)
        values = {entry.entity_id: _data(entry).get("value") for entry in entries}
        return {id_: value for id_, value in values.items() if isinstance(value, str)}

    def of_runs(self, run_ids: Collection[str]) -> set[str]:
        """The ids of what was registered with one of the runs."""
        entries = self._store.entries(types=[REGISTRATION], keys=run_ids, limit=ALL)
        return {entry.entity_id for entry in entries}

    # Inside

    def _moves(self, records: Collection[Record]) -> dict[str, Entry]:
        """The last move of each version between stages; that aliases move is no update of it."""
        ids = [each.id for each in records if each.kind == "modelVersion"]
        parents = {str(each.parent_id) for each in records if each.kind == "modelVersion"}
        if not ids:
            return {}
        # Of many models at once the store has them all sooner than the last of each.
        found = self._store.entries(
            entity_ids=parents,
            types=["lifecycle"],
            keys=ids if len(ids) == 1 else None,
            limit=ALL,
        )
        moves = (each for each in reversed(found) if '"alias":' not in each.data)
        return {entry.key: entry for entry in moves}

    def _note(
        self, item: Item, told: Entry | None, move: Entry | None, tags: dict[str, str]
    ) -> Note:
        written = item.document.get("updatedAt", 0)
        if told is None:
            created, user = self._first(item.record.id)
            note = Note(created, created, user, tags=tags)
            since = 0
        else:
            data = _data(told)
            updated = data.get("updatedAt")
            note = Note(
                told.at,
                updated if isinstance(updated, int) else told.at,
                _text(data, "userId") or told.actor,
                told.key,
                _text(data, "runLink"),
                _text(data, "modelId"),
                tags,
            )
            since = told.recorded_at
        if written > since:
            note.updated = max(note.updated, written)
        if move is not None and move.recorded_at > since:
            note.updated = max(note.updated, move.at)
        return note

    def _first_state(self, entity_id: str) -> tuple[int, str]:
        """When an entity was created, and by whom: that never changes."""
        first = self._store.find(entity_id, version="0.1")
        document = load(first) if first else {}
        return document.get("updatedAt", 0), document.get("updatedBy", "")


def tag_entry(entity_id: str, key: str, value: str | None, at: int) -> EntryWrite:
    """The record that a tag has a value, or, with None, that it is gone."""
    data: dict[str, Any] = {"deleted": True} if value is None else {"value": value}
    return EntryWrite(entity_id, TAG, key, at, dump(data))


def entries_of(
    entity_id: str, tags: dict[str, str], at: int, *, run_id: str = "", **more: str | None
) -> Iterable[EntryWrite]:
    """The records of a registration."""
    data = {name: value for name, value in more.items() if value}
    yield EntryWrite(entity_id, REGISTRATION, run_id, at, dump(data))
    for key, value in tags.items():
        yield tag_entry(entity_id, key, value, at)


def _data(entry: Entry) -> dict[str, Any]:
    data: dict[str, Any] = {} if entry.data == "{}" else from_json(entry.data)
    return data


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
