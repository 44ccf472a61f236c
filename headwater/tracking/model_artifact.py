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
from headwater.tracking.context import find_step, opaque

if TYPE_CHECKING:
    from headwater.tracking.model import Model
    from headwater.tracking.selection import Wanted


class ModelArtifacts(ABC):
    """The part of ``Model`` that is about its artifacts."""

    @property
    @abstractmethod
    def wanted(self) -> Wanted:
        """What was asked for."""

    @property
    @abstractmethod
    def resolved(self) -> ModelVersion:
        """The version; found, or made, if that was not done yet."""

    @property
    def version_id(self) -> str:
        """The version's id, for tracking itself, as ``resolved``."""
        return str(self.resolved.id)

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
        link(linked.fqn, cast("Model", self))
        return linked

    def list_artifacts(self, type: ArtifactType | None = None) -> Iterator[ArtifactHandle]:
        """Iterate over the artifacts that are linked to the version, newest first.

        Args:
            type: ``data``, ``model`` or ``deployment``; all unless given.
        """
        opaque("lists the artifacts of a model's version")
        return self._listed(type)

    def _listed(self, type: ArtifactType | None) -> Iterator[ArtifactHandle]:
        version = self.resolved
        for row in current().version_artifacts(version, type):
            found = ArtifactHandle.of_row(row)
            found.asked_of = {"id": str(version.id), "type": "modelVersion"}
            yield found

    def get_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """The newest artifact of a name that is linked to the version, or one version of it.

        Raises:
            NotFoundError: None is; the message lists those that are.
        """
        return self.artifact_of(name, version, None)

    def get_data_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """As ``get_artifact``, of data."""
        return self.artifact_of(name, version, "data")

    def get_model_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """As ``get_artifact``, of a trained model."""
        return self.artifact_of(name, version, "model")

    def get_deployment_artifact(self, name: str, version: str | None = None) -> ArtifactHandle:
        """As ``get_artifact``, of a deployment."""
        return self.artifact_of(name, version, "deployment")

    def artifact_of(
        self, name: str, version: str | None, type_: ArtifactType | None
    ) -> ArtifactHandle:
        """As ``get_artifact``, of a type; None: of any."""
        step, asked = find_step(), self.wanted
        question = {"model": asked.fqn, "modelVersion": asked.version, "type": type_}
        question |= {"artifact": name, "version": version}
        others: dict[str, None] = {}
        for each in self._listed(type_):
            if each.name == name and version in (None, each.resolved.name):
                each.question = question
                if step is not None:
                    step.looked(each)
                return each
            others[each.name] = None
        if step is not None:
            step.effects.look(question, None)
        what = f"{type_} artifact" if type_ else "artifact"
        listed = ", ".join(map(repr, others)) or "none"
        wanted = name if version is None else f"{name}, version {version}"
        raise NotFoundError(
            f"{self.resolved.fully_qualified_name} has no {what} {wanted!r}; it has {listed}"
        )
