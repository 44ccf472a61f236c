"""The artifacts of a version of a model: linking them, finding them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from headwater.errors import InvalidInputError, NotFoundError
from headwater.generated import ArtifactVersion, ModelVersion
from headwater.sdk.model_version import ArtifactType
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_calls import link, renamed, save_artifact
from headwater.tracking.connection import current

if TYPE_CHECKING:
    from headwater.tracking.model import Model


class ModelArtifacts(ABC):
    """The part of ``Model`` that is about its artifacts."""

    @abstractmethod
    def resolve(self) -> ModelVersion:
        """Find or make the version, if that was not done yet."""

    def link_artifact(self, artifact: Any, name: str | None = None) -> ArtifactHandle:
        """Link an artifact to the version, and return what is linked.

        Args:
            artifact: One that was read or saved; or a value, which is saved first.
            name: The artifact's name. Where it has another, one of this name is made over the same
                content. Needed for a value.
        """
        if isinstance(artifact, ArtifactVersion):
            return self.link_artifact(ArtifactHandle(artifact), name)
        if not isinstance(artifact, ArtifactHandle):
            if name is None:
                raise InvalidInputError("a value is linked by a name: link_artifact(value, name)")
            return save_artifact(name, artifact, model=cast("Model", self))
        is_same = name is None or name == artifact.name
        linked = artifact if is_same else renamed(artifact, str(name))
        link(linked.fully_qualified_name, str(self.resolve().id))
        return linked

    def list_artifacts(self, type: ArtifactType | None = None) -> Iterator[ArtifactHandle]:
        """Iterate over the artifacts that are linked to the version, newest first.

        Args:
            type: ``data``, ``model`` or ``deployment``; all unless given.
        """
        version = self.resolve()
        for row in current().version_artifacts(version, type):
            found = ArtifactHandle.of_row(row)
            found.asked_of = {"id": str(version.id), "type": "modelVersion"}
            yield found

    def get_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """The newest artifact of a name that is linked to the version, or one version of it.

        Raises:
            NotFoundError: None is; the message lists those that are.
        """
        return self._artifact(name, version, None)

    def get_data_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """As ``get_artifact``, of data."""
        return self._artifact(name, version, "data")

    def get_model_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """As ``get_artifact``, of a trained model."""
        return self._artifact(name, version, "model")

    def get_deployment_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """As ``get_artifact``, of a deployment."""
        return self._artifact(name, version, "deployment")

    def _artifact(
        self, name: str, version: str | None, type_: ArtifactType | None
    ) -> ArtifactHandle:
        others: dict[str, None] = {}
        for each in self.list_artifacts(type_):
            if each.name == name and version in (None, each.version):
                return each
            others[each.name] = None
        what = f"{type_} artifact" if type_ else "artifact"
        listed = ", ".join(map(repr, others)) or "none"
        wanted = name if version is None else f"{name}, version {version}"
        raise NotFoundError(
            f"{self.resolve().fully_qualified_name} has no {what} {wanted!r}; it has {listed}"
        )
