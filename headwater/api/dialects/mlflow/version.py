"""Model versions over MLflow's protocol: ``/mlflow/model-versions/…``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from headwater.api.dialects.mlflow.argument import Arguments
from headwater.api.dialects.mlflow.check import (
    ACTIVE,
    STAGES,
    check_key,
    check_stage,
    check_tags,
    check_version,
)
from headwater.api.dialects.mlflow.error import MlflowError, invalid
from headwater.api.dialects.mlflow.filter import PROMPT
from headwater.api.dialects.mlflow.note import Note, entries_of, items
from headwater.api.dialects.mlflow.registry import Registry
from headwater.api.dialects.mlflow.source import (
    PLACEHOLDERS,
    ModelUri,
    check_source,
    is_artifact,
    is_local,
    logged_model_of,
    model_uri,
    run_of,
)
from headwater.api.dialects.mlflow.view import version_json
from headwater.store.base import EntryWrite, Record
from headwater.store.draft import Actor, load, now_ms

Json = dict[str, Any]


class _Known(NamedTuple):
    """Which run and logged model made a version, if anybody says, and where its files lie."""

    run_id: str
    model_id: str
    source: str
    storage: str


class Versions:
    """Each method answers one path."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create(self, asked: Arguments, actor: Actor) -> Json:
        """Register a version under the model's next number."""
        registry, name, source = self._registry, asked.text("name"), asked.text("source")
        tags, description = check_tags(asked.tags()), asked.find("description")
        link, now = asked.find("run_link"), now_ms()
        known = _Known(asked.find("run_id") or "", asked.find("model_id") or "", source, source)
        if not _is_prompt(tags):
            known = self._checked(known, source)
        elif source not in PLACEHOLDERS:
            raise invalid(f"Invalid prompt source: {source[:80]!r}.")
        body = {"sourceUri": known.source, "mlStore": {"storage": known.storage}, "status": "ready"}

        def records(id_: str) -> Iterable[EntryWrite]:
            return entries_of(
                id_, tags, now, run_id=known.run_id, runLink=link, modelId=known.model_id
            )

        written = registry.catalog.create_model_version(
            registry.model(name).id,
            {**body, "description": description} if description else body,
            actor=actor,
            records=records,
        )
        note = Note(now, now, actor.name, known.run_id, link or "", known.model_id, tags)
        return {"model_version": version_json(from_json(written.document), note, [])}

    def get(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Show a version."""
        return self._shown(self._find(asked))

    def update(self, asked: Arguments, actor: Actor) -> Json:
        """Describe a version anew."""
        version = self._find(asked)
        self._registry.describe(version, asked.find("description"), actor)
        return self._shown(self._registry.store.find(version.id))

    def transition(self, asked: Arguments, actor: Actor) -> Json:
        """Move a version to a stage, beside others that are there or in place of them."""
        registry, stage = self._registry, check_stage(asked.text("stage"))
        archive = asked.flag("archive_existing_versions")
        if archive and stage not in ACTIVE:
            raise invalid(
                "Model version transition cannot archive existing model versions because"
                f" {STAGES[stage]!r} is not an Active stage."
            )
        moved = registry.move(self._find(asked), stage, actor, archive=archive)
        return self._shown(moved)

    def delete(self, asked: Arguments, actor: Actor) -> Json:
        """Delete a version, whatever stage it is in; its number is not given again."""
        self._registry.delete_version(self._find(asked), actor)
        return {}

    def download_uri(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Show where a version's files lie."""
        return {"artifact_uri": _storage(self._find(asked))}

    def set_tag(self, asked: Arguments, actor: Actor) -> Json:
        """Set a tag."""
        tags = {asked.text("key"): asked.find("value") or ""}
        self._registry.set_tags(self._find(asked), tags, actor)
        return {}

    def delete_tag(self, asked: Arguments, actor: Actor) -> Json:
        """Take a tag away."""
        self._registry.delete_tag(self._find(asked), check_key(asked.text("key")), actor)
        return {}

    # Inside

    def _checked(self, known: _Known, source: str) -> _Known:
        """What is known of a version's files once their source is checked.

        Raises:
            MlflowError: The source cannot be one, or names a version that there is not.
        """
        run_id, model_id = known.run_id, known.model_id
        named = logged_model_of(source)
        run, logged = self._origins(source, run_id, model_id or named or "")
        folders = [str(uri) for each in (run, logged) if (uri := each.get("artifact_uri"))]
        check_source(source, run_id=run_id, model_id=model_id, folders=folders)
        if copied := model_uri(source):
            return self._copied(known, self._named(copied))
        run_id = run_id or run_of(source) or str(logged.get("source_run_id") or "")
        storage = str(logged.get("artifact_uri") or source) if named else source
        return _Known(run_id, model_id or named or "", source, storage)

    def _origins(self, source: str, run_id: str, model_id: str) -> tuple[Json, Json]:
        """What the tracking server says of the run and the logged model; nothing: empty."""
        origins, kept = self._registry.origins, is_local(source) or is_artifact(source)
        run = origins.find_run(run_id) if run_id and kept else None
        return run or {}, (origins.find_model(model_id) if model_id else None) or {}

    def _copied(self, known: _Known, origin: Record) -> _Known:
        """What is known of a version's files that are those of another version."""
        note = self._registry.notes.of(items([origin]))[origin.id]
        version = load(origin)
        source = f"models:/{version['mlmodel']['name']}/{version['number']}"
        if _is_prompt(note.tags):
            raise invalid(f"Invalid model version source: {source!r}: it is a prompt.")
        for said, is_ in ((known.run_id, note.run_id), (known.model_id, note.model_id)):
            if said and said != is_:
                raise invalid(
                    f"Invalid model version source: {source!r}: its run_id is {note.run_id!r}, its"
                    f" model_id {note.model_id!r}, and the request's must be the same."
                )
        return _Known(note.run_id, note.model_id, source, _storage(origin))

    def _find(self, asked: Arguments) -> Record:
        return self._registry.version(asked.text("name"), check_version(asked.text("version")))

    def _named(self, uri: ModelUri) -> Record:
        """The version that a ``models:/`` URI names."""
        registry = self._registry
        model = registry.model(uri.name)
        if uri.version:
            return registry.version(uri.name, int(uri.version))
        if uri.alias:
            id_ = registry.champion.held(model, uri.alias)
        else:
            id_ = self._newest(model, str(uri.stage).lower())
        found = registry.store.find(id_) if id_ else None
        if found is None:
            raise MlflowError("RESOURCE_DOES_NOT_EXIST", f"No version is {uri.alias or uri.stage}.")
        return found

    def _newest(self, model: Record, word: str) -> str | None:
        """The id of the newest version of a stage, or of all where the word is ``latest``."""
        found = self._registry.view.latest(items([model])).get(model.id, [])
        fits = [e.document for e in found if word in ("latest", e.document["stage"])]
        newest = max(fits, key=lambda document: int(document["number"]), default=None)
        return None if newest is None else str(newest["id"])

    def _shown(self, version: Record | None) -> Json:
        assert version is not None  # noqa: S101  (it was just written or read)
        return {"model_version": self._registry.view.versions(items([version]))[0]}


def _is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(PROMPT, "").lower() == "true"


def _storage(version: Record) -> str:
    document = load(version)
    return str(document.get("mlStore", {}).get("storage") or document.get("sourceUri", ""))
