"""Models and versions as MLflow's clients read them, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from headwater.api.dialects.mlflow.champion import Champion
from headwater.api.dialects.mlflow.check import STAGES
from headwater.api.dialects.mlflow.note import ALL, Item, Note, Notes, items
from headwater.store.base import Store
from headwater.store.draft import Document

Json = dict[str, Any]
_STATUS = {"pending": "PENDING_REGISTRATION", "failed": "FAILED_REGISTRATION"}


class View:
    """Shows what the catalog has. Each call asks the store as often, however much is shown."""

    def __init__(self, store: Store, notes: Notes, champion: Champion) -> None:
        self._store = store
        self._notes = notes
        self._champion = champion

    def models(self, shown: Sequence[Item]) -> list[Json]:
        """Registered models, each with the newest version of every stage."""
        latest = self.latest(shown)
        every = [version for found in latest.values() for version in found]
        notes = self._notes.of([*shown, *every])
        aliases = self._champion.aliases(shown)
        return [
            _model(each, notes, latest.get(each.record.id, []), aliases[each.record.id])
            for each in shown
        ]

    def versions(self, shown: Sequence[Item]) -> list[Json]:
        """Model versions."""
        notes, served = self._notes.of(shown), self._champion.served(shown)
        return [
            version_json(each.document, notes[each.record.id], self._aliases(each, served))
            for each in shown
        ]

    def _aliases(self, version: Item, served: set[str]) -> list[str]:
        given = set(version.document.get("aliases", ()))
        return sorted(given | ({self._champion.alias} if version.record.id in served else set()))

    def latest(self, models: Sequence[Item]) -> dict[str, list[Item]]:
        """The newest version of each stage, by the ids of some models."""
        ids = self._version_ids(models)
        found = self._store.find_many(ids) if ids else {}
        newest: dict[str, dict[str, Item]] = defaultdict(dict)
        for item in items(record for record in found.values() if not record.deleted):
            stages = newest[str(item.record.parent_id)]
            stage = stage_of(item.document)
            known = stages.get(stage)
            if known is None or known.document["number"] < item.document["number"]:
                stages[stage] = item
        return {id_: list(stages.values()) for id_, stages in newest.items()}

    def _version_ids(self, models: Sequence[Item]) -> set[str]:
        """The ids of all versions of some models; most models tell them all in their summary."""
        ids, others = set[str](), list[str]()
        for item in models:
            summary = item.document.get("lifecycle", {})
            held = [summary["latest"]] if "latest" in summary else []
            held += [each for stage in summary.get("stages", ()) for each in stage["versions"]]
            its = {each["id"] for each in held}
            if len(its) < summary.get("lastNumber", 0):
                others.append(item.record.id)
            else:
                ids |= its
        if others:
            entries = self._store.entries(entity_ids=others, types=["modelVersion"], limit=ALL)
            ids |= {from_json(entry.data)["id"] for entry in entries}
        return ids


def _model(
    item: Item, notes: dict[str, Note], latest: Sequence[Item], aliases: dict[str, Document]
) -> Json:
    note, held = notes[item.record.id], defaultdict[str, list[str]](list)
    for alias, version in sorted(aliases.items()):
        held[version["id"]].append(alias)
    shown = [
        version_json(each.document, notes[each.record.id], held[each.record.id]) for each in latest
    ]
    updated = max([note.updated, *(each["last_updated_timestamp"] for each in shown)])
    named = [{"alias": a, "version": str(each["number"])} for a, each in sorted(aliases.items())]
    return {
        "name": item.record.name,
        "creation_timestamp": note.created,
        "last_updated_timestamp": updated,
        **({"user_id": note.user} if note.user else {}),
        **_described(item),
        **({"latest_versions": shown} if shown else {}),
        **_tags(note),
        **({"aliases": named} if named else {}),
    }


def version_json(document: Document, note: Note, aliases: list[str]) -> Json:
    """A model version."""
    return {
        "name": document["mlmodel"]["name"],
        "version": str(document["number"]),
        "creation_timestamp": note.created,
        "last_updated_timestamp": note.updated,
        **({"user_id": note.user} if note.user else {}),
        "current_stage": stage_of(document),
        "description": document.get("description", ""),
        "source": document.get("sourceUri", ""),
        "run_id": note.run_id,
        "status": _STATUS.get(document.get("status", ""), "READY"),
        **_tags(note),
        "run_link": note.run_link,
        **({"aliases": aliases} if aliases else {}),
        **({"model_id": note.model_id} if note.model_id else {}),
    }


def stage_of(version: Json) -> str:
    """MLflow's name of the stage of a version; one of somebody's own is none to it."""
    return STAGES.get(version["stage"], STAGES["none"])


def _described(item: Item) -> Json:
    description = item.document.get("description")
    return {} if description is None else {"description": description}


def _tags(note: Note) -> Json:
    tags = [{"key": key, "value": value} for key, value in sorted(note.tags.items())]
    return {"tags": tags} if tags else {}
