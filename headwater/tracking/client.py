"""``Client``: models, versions, artifacts, pipelines and runs by one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headwater.generated import MlModel, PipelineRun
from headwater.sdk.address import is_id
from headwater.sdk.comparison import ModelComparison
from headwater.sdk.session import check_limit
from headwater.tracking.context import find_run
from headwater.tracking.label import tag_fqn, tag_references
from headwater.tracking.model import Model
from headwater.tracking.model_client import ModelClient, change, stage_word
from headwater.tracking.outbox import send_journal
from headwater.tracking.run_client import RunClient
from headwater.tracking.selection import Wanted, ensure_model, version_of
from headwater.tracking.sign_of_life import settled, with_status
from headwater.tracking.stage import ModelStages
from headwater.tracking.template import render


class Client(ModelClient, RunClient):
    """What the catalog of this process has: models and their versions, artifacts, runs.

    Methods take names, ids or what was read. Where they answer entities, these are of the classes
    that ``Headwater`` answers; versions of models are ``Model``, of artifacts ``ArtifactHandle``.

    Example:
        >>> Client().get_model_version("iris_classifier", "production").number
        3
    """

    # Versions of models

    def create_model_version(
        self,
        model_name_or_id: str | MlModel,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        **fields: Any,
    ) -> Model:
        """Create a version of a model, which is made where it is missing.

        Args:
            model_name_or_id: Which model.
            name: The version's; its number unless given. A template as in ``Model``.
            description: What it is.
            tags: See ``create_model``.
            fields: Others of ``CreateModelVersion``, such as ``algorithm``, ``sourceUri``.

        Raises:
            AlreadyExistsError: The model has a version of the name.
        """
        run = find_run()
        if name is not None:
            name = render(str(name), None if run is None else {"id": run.id, "name": run.name})
        about = {"name": name, "description": description, **fields}
        request = {key: each for key, each in about.items() if each is not None}
        if tags:
            request["tags"] = tag_references(self.catalog, tags)
        model = model_name_or_id
        if isinstance(model, str) and not is_id(model):
            model = ensure_model(self.catalog, Wanted(model, None, None, None, (), True))
        return Model.of(self.catalog.add_model_version(model, request))

    def get_model_version(
        self,
        model_name_or_id: str | MlModel,
        model_version_name_or_number_or_id: str | int | None = None,
    ) -> Model:
        """Return a version of a model: of a stage, an alias, a name, a number or an id.

        Args:
            model_name_or_id: Which model.
            model_version_name_or_number_or_id: Which version; ``latest`` unless given.

        Raises:
            NotFoundError: There is none.
        """
        selector = model_version_name_or_number_or_id
        if isinstance(selector, str) and is_id(selector):
            return Model.of(self.catalog.get("modelVersion", id=selector))
        model = self._model(model_name_or_id)
        return Model.of(version_of(self.catalog, model, "latest" if selector is None else selector))

    def list_model_versions(
        self,
        model_name_or_id: str | MlModel,
        *,
        stage: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Model]:
        """Iterate over the versions of a model, in the order of their numbers.

        Args:
            model_name_or_id: Which model.
            stage: Only those in this stage; ``latest`` is the newest version.
            tag: Only with this tag; see ``list_models``.
            limit: The most to return.
        """
        check_limit(limit)
        model, wanted = self._model(model_name_or_id), stage_word(stage)
        found = self.catalog.list(
            "modelVersion",
            parent=model,
            stage=None if wanted == ModelStages.LATEST else wanted,
            tag=None if tag is None else tag_fqn(self.catalog, tag),
        )
        there = filter(None, (settled(self.catalog, each) for each in found))
        ordered = sorted(there, key=lambda version: version.number or 0)
        if wanted == ModelStages.LATEST:
            lifecycle = self.get_model(model).lifecycle
            newest = lifecycle and lifecycle.latest
            ordered = [each for each in ordered if newest and each.number == newest.number]
        return (Model.of(each) for each in ordered[:limit])

    def update_model_version(
        self,
        model_name_or_id: str | MlModel,
        version_name_or_id: str | int,
        *,
        stage: str | None = None,
        force: bool = False,
        name: str | None = None,
        description: str | None = None,
        add_tags: Sequence[str] | None = None,
        remove_tags: Sequence[str] | None = None,
    ) -> Model:
        """Change what is given of a version, and return it.

        Args:
            model_name_or_id: Which model.
            version_name_or_id: Which version; see ``get_model_version``.
            stage: Where it is moved.
            force: Archive the version that is there.
            name: A new name.
            description: What it is.
            add_tags: See ``create_model``.
            remove_tags: See ``create_model``.

        Raises:
            ConflictError: Another version is in the stage, which holds one, and not ``force``.
        """
        model = self.get_model_version(model_name_or_id, version_name_or_id)
        if stage is not None:  # first, since it may be refused
            model.set_stage(stage, force)
        version = model.entity
        change(version, description=description)
        version.tags = self._tags(version.tags, add_tags, remove_tags)
        version = self.catalog.update(version)
        return Model.of(version if name is None else self.catalog.rename(version, name))

    def delete_model_version(
        self,
        model_version_id: str | Model,
        model_name_or_id: str | MlModel | None = None,
        *,
        force: bool = False,
    ) -> None:
        """Delete a version of a model; its artifacts stay.

        Args:
            model_version_id: Its id or FQN; or, with the model, its name or number.
            model_name_or_id: Which model.
            force: Though it is in production.

        Raises:
            ConflictError: It is in production, and not ``force``.
        """
        if isinstance(model_version_id, Model):
            return model_version_id.delete(force=force)
        if model_name_or_id is not None:
            version = self.get_model_version(model_name_or_id, model_version_id)
            return version.delete(force=force)
        self.catalog.delete(model_version_id, kind="modelVersion", force=force)
        return None

    def list_version_runs(
        self, version: Model, *, limit: int | None = None
    ) -> Iterator[PipelineRun]:
        """Iterate over the runs that made or used a version, the last to start first.

        One whose process is gone is ``interrupted``.
        """
        hw = self.catalog
        return (with_status(hw, each) for each in hw.version_runs(version.resolved, limit=limit))

    def compare_model_versions(
        self, model_name_or_id: str | MlModel, versions: Sequence[str | int]
    ) -> ModelComparison:
        """Set versions of a model side by side: what was logged, parameters, features, data.

        Args:
            model_name_or_id: Which model.
            versions: Two to twenty; see ``get_model_version``.
        """
        return self.catalog.compare(self._model(model_name_or_id), versions)

    def send_journal(self, path: str | Path) -> int:
        """Send what a run kept while the catalog was away; see ``headwater resume``."""
        return send_journal(self.catalog, path)
