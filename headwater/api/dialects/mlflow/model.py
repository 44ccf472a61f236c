"""Registered models over MLflow's protocol: ``/mlflow/registered-models/…``."""

from __future__ import annotations

from typing import Any

from headwater.api.dialects.mlflow.argument import Arguments
from headwater.api.dialects.mlflow.check import (
    STAGES,
    check_alias,
    check_key,
    check_model_name,
    check_stage,
    check_tags,
    check_version,
)
from headwater.api.dialects.mlflow.error import MlflowError, invalid
from headwater.api.dialects.mlflow.note import entries_of, items
from headwater.api.dialects.mlflow.registry import MODEL, Registry
from headwater.api.dialects.mlflow.view import stage_of
from headwater.errors import AlreadyExistsError
from headwater.store.base import Record
from headwater.store.draft import Actor, now_ms

Json = dict[str, Any]
UNKNOWN = "unknown"
"""The algorithm of a model, which this protocol does not tell."""


class Models:
    """Each method answers one path."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create(self, asked: Arguments, actor: Actor) -> Json:
        """Register a model; a soft-deleted one of the name makes room."""
        registry, name = self._registry, check_model_name(asked.text("name"))
        tags, description = check_tags(asked.tags()), asked.find("description")
        now = now_ms()
        body = {"name": name, "service": registry.service, "algorithm": UNKNOWN}
        registry.ensure_service(actor)
        try:
            written = registry.catalog.create(
                MODEL,
                body if description is None else {**body, "description": description},
                actor=actor,
                records=lambda id_: entries_of(id_, tags, now),
                replace_deleted=True,
            )
        except AlreadyExistsError:
            raise MlflowError(
                "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists."
            ) from None
        return self._shown(registry.store.find(written.id))

    def get(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Show a model."""
        return self._shown(self._registry.model(asked.text("name")))

    def rename(self, asked: Arguments, actor: Actor) -> Json:
        """Give a model another name."""
        registry, new = self._registry, check_model_name(asked.text("new_name"), "new_name")
        model = registry.model(asked.text("name"))
        try:
            registry.free(new, actor)
            registry.catalog.rename(MODEL, model.id, new, actor=actor)
        except AlreadyExistsError:
            raise MlflowError(
                "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={new}) already exists."
            ) from None
        return self._shown(registry.store.find(model.id))

    def update(self, asked: Arguments, actor: Actor) -> Json:
        """Describe a model anew."""
        registry = self._registry
        model = registry.model(asked.text("name"))
        registry.describe(model, asked.find("description"), actor)
        return self._shown(registry.store.find(model.id))

    def delete(self, asked: Arguments, actor: Actor) -> Json:
        """Delete a model and its versions; its name can be used again."""
        registry = self._registry
        model = registry.model(asked.text("name"))
        registry.catalog.delete(MODEL, model.id, actor=actor, recursive=True, force=True)
        return {}

    def latest(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Show the newest version of each stage, or of some."""
        registry = self._registry
        model = registry.model(asked.text("name"))
        wanted = {STAGES[check_stage(each)] for each in asked.texts("stages")}
        found = registry.view.latest(items([model])).get(model.id, [])
        chosen = [each for each in found if not wanted or stage_of(each.document) in wanted]
        return {"model_versions": registry.view.versions(chosen)}

    def set_tag(self, asked: Arguments, actor: Actor) -> Json:
        """Set a tag."""
        model = self._registry.model(asked.text("name"))
        tags = {asked.text("key"): asked.find("value") or ""}
        self._registry.set_tags(model, tags, actor)
        return {}

    def delete_tag(self, asked: Arguments, actor: Actor) -> Json:
        """Take a tag away."""
        model = self._registry.model(asked.text("name"))
        self._registry.delete_tag(model, check_key(asked.text("key")), actor)
        return {}

    def set_alias(self, asked: Arguments, actor: Actor) -> Json:
        """Give a version an alias; the one that the serving version has promotes it."""
        registry = self._registry
        alias = check_alias(asked.text("alias"))
        version = registry.version(asked.text("name"), check_version(asked.text("version")))
        registry.check_free(version, alias)
        if alias == registry.champion.alias:
            registry.move(version, "production", actor, archive=True)
        else:
            registry.set_alias(version.id, alias, actor)
        return {}

    def get_alias(self, asked: Arguments, actor: Actor) -> Json:  # noqa: ARG002
        """Show the version that has an alias."""
        registry, name, alias = self._registry, asked.text("name"), asked.text("alias")
        held = registry.champion.held(registry.model(name), alias)
        version = registry.store.find(held) if held else None
        if version is None:
            raise invalid(f"Registered model alias {alias} not found.")
        return {"model_version": registry.view.versions(items([version]))[0]}

    def delete_alias(self, asked: Arguments, actor: Actor) -> Json:
        """Take an alias from whichever version has it; that one stays in its stage."""
        registry, name = self._registry, asked.text("name")
        alias = check_alias(asked.text("alias"), is_new=False)
        held = registry.champion.held(registry.model(name), alias)
        if held and alias == registry.champion.alias:  # nobody may have given it yet
            registry.set_alias(held, alias, actor)
        if held:
            registry.delete_alias(held, alias, actor)
        return {}

    # Inside

    def _shown(self, model: Record | None) -> Json:
        assert model is not None  # noqa: S101  (it was just written or read)
        return {"registered_model": self._registry.view.models(items([model]))[0]}
