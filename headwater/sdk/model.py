"""One model with its versions, as a thing to ask: what happened, what was when, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headwater.generated import MlModel, ModelVersion
from headwater.sdk.comparison import ModelComparison

if TYPE_CHECKING:
    from headwater.sdk.entities import ListOptions
    from headwater.sdk.model_version import ModelVersionCalls


class ModelHandle:
    """A model of the catalog, and its versions.

    Attributes:
        entity: The model as it was when the handle was made.
    """

    def __init__(self, hw: ModelVersionCalls, entity: MlModel) -> None:
        self._hw = hw
        self.entity = entity

    @property
    def id(self) -> str:
        """The model's id."""
        return self.entity.id

    @property
    def fully_qualified_name(self) -> str:
        """The model's FQN: ``service.model``."""
        return self.entity.fully_qualified_name

    def version(
        self, selector: str | int = "latest", *, as_of: str | int | None = None
    ) -> ModelVersion:
        """Return one version; see ``Headwater.model_version``."""
        return self._hw.model_version(self.entity, selector, as_of=as_of)

    def versions(self, *, stage: str | None = None) -> Iterator[ModelVersion]:
        """Iterate over the versions by name, perhaps only those in a stage."""
        asked: ListOptions = {"limit": None, "parent": self.entity}
        if stage is not None:
            asked["stage"] = stage
        return self._hw.list(ModelVersion, **asked)

    def history(self, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Iterate over the moves of the versions, newest first; see ``Headwater.lifecycle``."""
        return self._hw.lifecycle(self.entity, limit=limit)

    def in_stage(self, stage: str, *, at: str | int | None = None) -> list[dict[str, Any]]:
        """Return the versions that were in a stage at a time; see ``Headwater.versions_in``."""
        return self._hw.versions_in(self.entity, stage, at=at)

    def compare(self, *versions: str | int) -> ModelComparison:
        """Set versions side by side; see ``Headwater.compare``."""
        return self._hw.compare(self.entity, versions)

    def __repr__(self) -> str:
        return f"<model {self.fully_qualified_name}>"
