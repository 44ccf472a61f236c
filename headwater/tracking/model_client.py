"""The part of ``Client`` that is about models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import ValidationError

from headwater import names
from headwater.document import Document
from headwater.errors import InvalidInputError
from headwater.generated import MlModel
from headwater.sdk import Headwater
from headwater.sdk.address import is_id
from headwater.sdk.session import check_limit
from headwater.tracking.check import check_tags, check_text
from headwater.tracking.connection import model_service
from headwater.tracking.context import asked
from headwater.tracking.label import tag_fqn, tag_references
from headwater.tracking.selection import model_fqn
from headwater.tracking.stage import ModelStages

_NOT_SUMMED_UP = frozenset({ModelStages.LATEST, ModelStages.NONE, ModelStages.ARCHIVED})
"""Stages of versions that models do not tell."""


def change(entity: Document, **fields: Any) -> None:
    """Set the fields of an entity that are given.

    Raises:
        InvalidInputError: One cannot have that value.
    """
    for name, value in fields.items():
        try:
            setattr(entity, name, getattr(entity, name) if value is None else value)
        except ValidationError as error:
            raise InvalidInputError.at(f"/{name}", error.errors()[0]["msg"]) from None


def stage_word(stage: Any) -> str | None:
    """A stage as the catalog spells it.

    Raises:
        InvalidInputError: It is no text.
    """
    if stage is None:
        return None
    check_text(stage, "a stage")
    return str(stage).lower()


class ModelClient:
    """Models; see ``Client``."""

    @property
    def catalog(self) -> Headwater:
        """The client of all that the catalog can do."""
        return asked()

    def create_model(
        self,
        name: str,
        license: str | None = None,  # the field's own name
        description: str | None = None,
        tags: Sequence[str] | None = None,
        **fields: Any,
    ) -> MlModel:
        """Create a model; one of the name that was deleted makes room, and can be restored.

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
        return self.catalog.create(request, kind=MlModel, replace_deleted=True)

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
            stage: Only those that have a version in this stage; ``latest``: that have any.
            service: In this service; the configured one unless given.
            limit: The most to return.
        """
        wanted, service = stage_word(stage), service or model_service()
        held: set[str] | None = None
        if wanted in _NOT_SUMMED_UP:
            within = None if wanted == ModelStages.LATEST else wanted
            versions = self.catalog.list("modelVersion", service=service, stage=within)
            held = {str(each.mlmodel.id) for each in versions}
        found = self.catalog.list(
            MlModel,
            service=service,
            tag=None if tag is None else tag_fqn(self.catalog, tag),
            stage=wanted if held is None else None,
        )
        chosen = (m for m in found if name in (None, m.name) and (held is None or m.id in held))
        check_limit(limit)
        return islice(chosen, limit)

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
        change(model, license=license, description=description)
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

    # Inside

    def _model(self, model: str | MlModel) -> str | MlModel:
        return model if isinstance(model, MlModel) or is_id(model) else model_fqn(model)

    def _tags(self, tags: Any, added: Sequence[str] | None, removed: Sequence[str] | None) -> Any:
        if not added and not removed:
            return tags
        check_tags(removed or ())
        gone = {tag_fqn(self.catalog, each) for each in removed or ()}
        kept = [each for each in tags or () if each.fully_qualified_name not in gone]
        return kept + tag_references(self.catalog, added or ())
