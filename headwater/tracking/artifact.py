"""Artifacts: values that are kept, with what made them and the versions of models they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from headwater import names
from headwater.errors import InvalidInputError
from headwater.generated import Artifact, ArtifactVersion
from headwater.sdk.model_version import ArtifactType
from headwater.tracking.artifact_store import open_artifact_store
from headwater.tracking.connection import current
from headwater.tracking.context import asked, find_run, find_step, opaque
from headwater.tracking.metadata import MetadataValue, read_metadata
from headwater.tracking.step_effect import Question


class ArtifactHandle:
    """A version of an artifact: what is known of it, and its value when asked for.

    Attributes:
        resolved: The version, for what is not the code of a step.
        asked_of: A reference to the version of a model that it was asked of, if it was.
        question: What was looked for when it was found; see ``step_effect``.
    """

    def __init__(self, entity: ArtifactVersion, type: ArtifactType | None = None) -> None:
        """Make it of a version that was read.

        Args:
            entity: The version.
            type: What its artifact is, where that is known.
        """
        self.resolved = entity
        self.asked_of: Mapping[str, str] | None = None
        self._type = type
        self.question: Question | None = None

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> ArtifactHandle:
        """Make it of what a version of a model lists."""
        fields = {name: each for name, each in row.items() if name != "artifactType"}
        return cls(ArtifactVersion.model_validate(fields), row.get("artifactType"))

    def __repr__(self) -> str:
        return f"ArtifactHandle({self.name!r}, version={self.version!r})"

    @property
    def name(self) -> str:
        """The artifact's name."""
        return names.split(self.fqn)[0]

    @property
    def type(self) -> ArtifactType:
        """What the artifact is: ``data``, ``model`` or ``deployment``."""
        if self._type is None:
            found = current().get(Artifact, names.join(self.name)).artifact_type
            self._type = cast(ArtifactType, str(found or "data"))
        return self._type

    @property
    def entity(self) -> ArtifactVersion:
        """The version."""
        if self.question is not None and self.question["version"] is None:
            opaque("asks which version of an artifact it found")
        return self.resolved

    @property
    def version(self) -> str:
        """The version's name."""
        return self.entity.name

    @property
    def id(self) -> str:
        """The version's id."""
        return str(self.entity.id)

    @property
    def fully_qualified_name(self) -> str:
        """The version's FQN."""
        return str(self.entity.fully_qualified_name)

    @property
    def fqn(self) -> str:
        """The version's FQN, for what is not the code of a step."""
        return str(self.resolved.fully_qualified_name)

    @property
    def uri(self) -> str:
        """Where the content lies."""
        return str(self.resolved.uri)

    @property
    def hash(self) -> str | None:
        """The content's hash."""
        return self.resolved.hash

    @property
    def data_type(self) -> str | None:
        """What the value is, such as ``pandas.DataFrame``."""
        return self.resolved.data_type

    @property
    def run_metadata(self) -> dict[str, MetadataValue]:
        """The newest value of each name that was logged on the version."""
        return read_metadata(asked(), self.resolved, "artifactVersion")

    def load(self, *, allow_pickle: bool = False, trusted: Sequence[str] = ()) -> Any:
        """Read the value.

        Args:
            allow_pickle: Permit content that is a pickle, which runs code that it holds.
            trusted: Names of types of estimators that may be read beside those known as safe.

        Raises:
            NotFoundError: The content is gone.
            StoreError: It is not what was written.
            InvalidInputError: No materializer of this process reads it, or it is not permitted.
        """
        if self.resolved.data_type is None or self.resolved.media_type is None:
            raise InvalidInputError(
                f"{self.fqn} was not saved by tracking, which would know"
                f" what its content is; it lies at {self.resolved.uri}"
            )
        value = open_artifact_store().load(
            self.uri,
            data_type=self.resolved.data_type,
            media_type=self.resolved.media_type,
            hash=self.hash,
            allow_pickle=allow_pickle,
            trusted=trusted,
        )
        run, step = find_run(), find_step()
        if run is not None:
            run.values.add(value, self)
        if step is not None:
            step.loaded(self)
        elif run is not None:
            run.used(self)
        return value
