"""Model versions over MLflow's protocol: ``/mlflow/model-versions/…``."""

from __future__ import annotations

from typing import Any

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
from headwater.api.dialects.mlflow.note import entries_of, items
from headwater.api.dialects.mlflow.registry import Registry
from headwater.api.dialects.mlflow.source import (
    PLACEHOLDERS,
    ModelUri,
    check_source,
    model_uri,
    run_of,
)
from headwater.store.base import Record
from headwater.store.draft import Actor, load, now_ms

Json = dict[str, Any]


class Versions:
    """Each method answers one path."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create(self, asked: Arguments, actor: Actor) -> Json:
        """Register a version under the model's next number."""
        registry, name = self._registry, asked.text("name")
        tags, source, run_id = check_tags(asked.tags()), asked.text("source"), asked.find("run_id")
        model_id, storage = asked.find("model_id"), source
        if tags.get(PROMPT, "").lower() != "true":
            check_source(source, run_id)
            run_id = run_id or run_of(source)
            if copied := model_uri(source):
                origin = self._named(copied)
                note = registry.notes.of(items([origin]))[origin.id]
                run_id, model_id = run_id or note.run_id, model_id or note.model_id
                storage = _storage(origin)
        elif source not in PLACEHOLDERS:
            raise invalid(f"Invalid prompt source: {source[:80]!r}.")
        body = {
            "sourceUri": source,
            "mlStore": {"storage": storage},
            "status": "ready",
        }
        if description := asked.find("description"):
            body["description"] = description
        now, link = now_ms(), asked.find("run_link")

        def records(id_: str) -> Any:
            return entries_of(id_, tags, now, run_id=run_id or "", runLink=link, modelId=model_id)

        written = registry.catalog.create_model_version(
            registry.model(name).id, body, actor=actor, records=records
        )
        return self._shown(registry.store.find(written.id))

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
        if stage == "production" and registry.champion.alias:
            moved = registry.set_alias(moved.id, registry.champion.alias, actor)
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


def _storage(version: Record) -> str:
    document = load(version)
    return str(document.get("mlStore", {}).get("storage") or document.get("sourceUri", ""))
