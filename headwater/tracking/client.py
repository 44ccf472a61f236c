"""``Client``: models, versions, artifacts, pipelines and runs by one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headwater import names
from headwater.errors import AlreadyExistsError
from headwater.generated import MlModel, PipelineRun
from headwater.sdk import Headwater
from headwater.sdk.address import is_id
from headwater.sdk.comparison import ModelComparison
from headwater.tracking.connection import current, model_service
from headwater.tracking.label import tag_fqn, tag_references
from headwater.tracking.model import Model
from headwater.tracking.outbox import send_journal
from headwater.tracking.run_client import RunClient
from headwater.tracking.selection import Wanted, ensure_model, model_fqn
from headwater.tracking.sign_of_life import with_status


class Client(RunClient):
    """What the catalog of this process has: models and their versions, artifacts, runs.

    Methods take names, ids or what was read. Where they answer entities, these are of the classes
    that ``Headwater`` answers; versions of models are ``Model``, of artifacts ``ArtifactHandle``.

    Example:
        >>> Client().get_model_version("iris_classifier", "production").number
        3
    """

    @property
    def catalog(self) -> Headwater:
        """The client of all that the catalog can do."""
        return current()

    # Models

    def create_model(
        self,
        name: str,
        license: str | None = None,  # the field's own name
        description: str | None = None,
        tags: Sequence[str] | None = None,
        **fields: Any,
    ) -> MlModel:
        """Create a model; one that was deleted comes back without its versions.

        Args:
            name: Its name in the configured service; its FQN in another.
            license: What it is licensed under.
            description: What it is, in Markdown.
            tags: Words, which become tags of the classification ``Label``, or FQNs of tags.
            fields: Others of ``CreateMlModel``, such as ``algorithm``.

        Raises:
            AlreadyExistsError: There is one of the name.
        """
        service, own = names.split(model_fqn(name))
        request: dict[str, Any] = {"name": own, "service": service, "algorithm": "unknown"}
        about = {"license": license, "description": description, **fields}
        request |= {key: each for key, each in about.items() if each is not None}
        if tags:
            request["tags"] = tag_references(self.catalog, tags)
        try:
            return self.catalog.create(request, kind=MlModel)
        except AlreadyExistsError:
            if self.catalog.find(MlModel, model_fqn(name)) is not None:
                raise
            return self.catalog.create_or_update(request, kind=MlModel)

    def get_model(self, model_name_or_id: str | MlModel) -> MlModel:
        """Return a model.

        Raises:
            NotFoundError: There is none.
        """
        if isinstance(model_name_or_id, MlModel):
            return self.catalog.get(MlModel, id=str(model_name_or_id.id))
        if is_id(model_name_or_id):
            return self.catalog.get(MlModel, id=model_name_or_id)
        return self.catalog.get(MlModel, model_fqn(model_name_or_id))

    def list_models(
        self,
        *,
        name: str | None = None,
        tag: str | None = None,
        stage: str | None = None,
        service: str | None = None,
        limit: int | None = None,
    ) -> Iterator[MlModel]:
        """Iterate over models by name.

        Args:
            name: Only of this name.
            tag: Only with this tag: a word of ``Label``, or a tag's FQN.
            stage: Only those that have a version in this stage.
            service: In this service; the configured one unless given.
            limit: The most to return.
        """
        found = self.catalog.list(
            MlModel,
            service=service or model_service(),
            tag=None if tag is None else tag_fqn(self.catalog, tag),
            stage=stage,
            limit=None if name else limit,
        )
        return (each for each in found if name in (None, each.name))

    def update_model(
        self,
        model_name_or_id: str | MlModel,
        *,
        name: str | None = None,
        license: str | None = None,  # as above
        description: str | None = None,
        add_tags: Sequence[str] | None = None,
        remove_tags: Sequence[str] | None = None,
    ) -> MlModel:
        """Change what is given of a model, and return it."""
        model = self.get_model(model_name_or_id)
        model.license = model.license if license is None else license
        model.description = model.description if description is None else description
        model.tags = self._tags(model.tags, add_tags, remove_tags)
        model = self.catalog.update(model)
        return model if name is None else self.catalog.rename(model, name)

    def delete_model(self, model_name_or_id: str | MlModel, *, force: bool = False) -> None:
        """Delete a model with its versions; their artifacts stay.

        Raises:
            ConflictError: A version is in production, and not ``force``.
        """
        model = self.get_model(model_name_or_id)
        self.catalog.delete(model, recursive=True, force=force)

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
            name: The version's; its number unless given.
            description: What it is.
            tags: See ``create_model``.
            fields: Others of ``CreateModelVersion``, such as ``algorithm``, ``sourceUri``.

        Raises:
            AlreadyExistsError: The model has a version of the name.
        """
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
        return Model.of(
            self.catalog.model_version(model, "latest" if selector is None else selector)
        )

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
            stage: Only those in this stage.
            tag: Only with this tag; see ``list_models``.
            limit: The most to return.
        """
        found = self.catalog.list(
            "modelVersion",
            parent=self._model(model_name_or_id),
            stage=stage,
            tag=None if tag is None else tag_fqn(self.catalog, tag),
        )
        ordered = sorted(found, key=lambda version: version.number)
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
        version = self.get_model_version(model_name_or_id, version_name_or_id).entity
        version.description = version.description if description is None else description
        version.tags = self._tags(version.tags, add_tags, remove_tags)
        version = self.catalog.update(version)
        model = Model.of(version if name is None else self.catalog.rename(version, name))
        if stage is not None:
            model.set_stage(stage, force)
        return model

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
        return (with_status(hw, each) for each in hw.version_runs(version.resolve(), limit=limit))

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

    # Inside

    def _model(self, model: str | MlModel) -> str | MlModel:
        return model if isinstance(model, MlModel) or is_id(model) else model_fqn(model)

    def _tags(self, tags: Any, added: Sequence[str] | None, removed: Sequence[str] | None) -> Any:
        if not added and not removed:
            return tags
        gone = {tag_fqn(self.catalog, each) for each in removed or ()}
        kept = [each for each in tags or () if each.fully_qualified_name not in gone]
        return kept + tag_references(self.catalog, added or ())
