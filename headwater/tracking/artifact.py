"""Artifacts: values that are kept, with what made them and the versions of models they are of."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from headwater import names
from headwater.errors import InvalidInputError, NotFoundError
from headwater.generated import Artifact, ArtifactVersion
from headwater.sdk import Headwater
from headwater.tracking.artifact_store import StoredArtifact, open_artifact_store
from headwater.tracking.connection import current
from headwater.tracking.context import find_run, find_step
from headwater.tracking.metadata import MetadataValue, read_metadata
from headwater.tracking.outbox import Outbox

if TYPE_CHECKING:
    from headwater.tracking.model import Model

ArtifactType = Literal["data", "model", "deployment"]
VERSIONS = "version"
"""Type of the records of an artifact that tell its versions, the newest first."""


class ArtifactHandle:
    """A version of an artifact: what is known of it, and its value when asked for."""

    def __init__(self, entity: ArtifactVersion, type: ArtifactType | None = None) -> None:
        """Make it of a version that was read.

        Args:
            entity: The version.
            type: What its artifact is, where that is known.
        """
        self.entity = entity
        self._type = type

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
        return names.split(self.fully_qualified_name)[0]

    @property
    def type(self) -> ArtifactType:
        """What the artifact is: ``data``, ``model`` or ``deployment``."""
        if self._type is None:
            found = current().get(Artifact, names.join(self.name)).artifact_type
            self._type = cast(ArtifactType, str(found or "data"))
        return self._type

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
    def uri(self) -> str:
        """Where the content lies."""
        return str(self.entity.uri)

    @property
    def hash(self) -> str | None:
        """The content's hash."""
        return self.entity.hash

    @property
    def data_type(self) -> str | None:
        """What the value is, such as ``pandas.DataFrame``."""
        return self.entity.data_type

    @property
    def run_metadata(self) -> dict[str, MetadataValue]:
        """The newest value of each name that was logged on the version."""
        return read_metadata(current(), self.entity, "artifactVersion")

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
        if self.entity.data_type is None or self.entity.media_type is None:
            raise InvalidInputError(
                f"{self.entity.fully_qualified_name} was not saved by tracking, which would know"
                f" what its content is; it lies at {self.entity.uri}"
            )
        value = open_artifact_store().load(
            self.uri,
            data_type=self.entity.data_type,
            media_type=self.entity.media_type,
            hash=self.hash,
            allow_pickle=allow_pickle,
            trusted=trusted,
        )
        run = find_run()
        if run is not None:
            run.values.add(value, self)
        return value

    def named(self, name: str) -> ArtifactHandle:
        """The artifact of another name that has this content; made now."""
        entity = self.entity
        kept = ("uri", "hash", "size", "dataType", "mediaType")
        about = {key: value for key, value in entity.to_wire().items() if key in kept}
        if entity.produced_by is not None:
            about["producedBy"] = {"id": entity.produced_by.id, "type": "pipelineRun"}
        request = {"name": entity.name, "artifact": names.join(name), **about}
        return _write_one(self.type, request)


def save_artifact(
    name: str,
    value: Any,
    *,
    version: str | None = None,
    is_model_artifact: bool = False,
    is_deployment_artifact: bool = False,
    model: Model | None = None,
) -> ArtifactHandle:
    """Keep a value as an artifact, and return it.

    In a step it is made by the step, and linked to the step's model.

    Args:
        name: The artifact's.
        value: Of a type that a materializer writes; the same content is stored once.
        version: Name of the version; unless given, one that tells the time.
        is_model_artifact: It is a trained model; an estimator is one in any case.
        is_deployment_artifact: It is a deployment.
        model: The version of a model that it is linked to, in place of the step's.

    Raises:
        InvalidInputError: No materializer writes such a value.
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"save_artifact(name, value): the name comes first, not {name!r}")
    stored = open_artifact_store().put(value, name=name)
    of = artifact_type(value, is_model=is_model_artifact, is_deployment=is_deployment_artifact)
    step = find_step()
    if step is not None:
        return step.saved(name, stored, of, version=version, model=model)
    run = find_run()
    if run is not None:
        return run.saved(name, stored, of, version=version, model=model)
    request = version_request(name, version or moment(), stored)
    if model is not None:
        request["modelVersions"] = [reference_to(model)]
    return _write_one(of, request)


def load_artifact(name: str, version: str | None = None, **options: Any) -> Any:
    """Read the value of an artifact.

    Args:
        name: The artifact's, or the id of a version.
        version: Name of the version; the newest unless given.
        options: As ``ArtifactHandle.load``.
    """
    handle = find_artifact(current(), name, version)
    step = find_step()
    if step is not None:
        step.used(handle)
    return handle.load(**options)


def find_artifact(hw: Headwater, name: str, version: str | None = None) -> ArtifactHandle:
    """The newest version of an artifact, or the one of a name.

    Raises:
        NotFoundError: There is none.
    """
    fqn = names.join(name)
    if version is not None:
        return ArtifactHandle(hw.get(ArtifactVersion, names.join(name, version)))
    artifact = hw.find(Artifact, fqn)
    if artifact is None:
        return ArtifactHandle(hw.get(ArtifactVersion, name))
    for record in hw.records(artifact, VERSIONS, kind="artifact"):
        found = hw.find(ArtifactVersion, names.child(fqn, record["key"]))
        if found is not None:
            return ArtifactHandle(found)
    newest = max(hw.list(ArtifactVersion, parent=artifact), key=_written_at, default=None)
    if newest is None:
        raise NotFoundError(f"artifact {name!r} has no version")
    return ArtifactHandle(newest)


def link(hw: Headwater, artifact_version: str, model_version: str) -> None:
    """Link a version of an artifact, by FQN, to a version of a model, by id."""
    Outbox(hw).link(artifact_version, model_version)


def artifact_type(value: Any, *, is_model: bool, is_deployment: bool) -> ArtifactType:
    """What an artifact is: what predicts is a model, though nobody said so."""
    if is_model and is_deployment:
        raise InvalidInputError("an artifact is a model or a deployment, not both")
    if is_deployment:
        return "deployment"
    return "model" if is_model or callable(getattr(value, "predict", None)) else "data"


def version_request(name: str, version: str, stored: StoredArtifact) -> dict[str, Any]:
    """The request that makes a version of an artifact of what a store wrote."""
    return {
        "name": version,
        "artifact": names.join(name),
        "uri": stored.uri,
        "hash": stored.hash,
        "size": stored.size,
        "mediaType": stored.media_type,
        "dataType": stored.data_type,
    }


def write_versions(
    outbox: Outbox,
    versions: Sequence[tuple[ArtifactType, dict[str, Any]]],
    known: set[str] | None = None,
) -> list[ArtifactHandle]:
    """Write versions of artifacts, with all their links, in one commit.

    Args:
        outbox: What sends them.
        versions: What each artifact is, and the request of its version.
        known: Names of artifacts that are there; those that are written are added.

    Returns:
        The versions; as they were asked for, where the catalog is away.
    """
    known = set() if known is None else known
    artifacts = {request["artifact"]: of for of, request in versions}
    new = {fqn: of for fqn, of in artifacts.items() if fqn not in known}
    if new:
        made = [{"name": names.split(fqn)[0], "artifactType": of} for fqn, of in new.items()]
        outbox.put("artifact", made)
        known.update(new)
    requests = [request for _, request in versions]
    written = outbox.put("artifactVersion", requests)
    found = map(_unwritten, requests) if written is None else written
    return [ArtifactHandle(each) for each in found]


def version_records(requests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records that tell of versions which is the newest."""
    return [
        {
            "entity": f"artifact:{each['artifact']}",
            "type": VERSIONS,
            "key": each["name"],
            "data": {"hash": each.get("hash")},
        }
        for each in requests
    ]


def reference_to(model: Model) -> dict[str, str]:
    """A reference to the version of a model."""
    return {"id": model.id, "type": "modelVersion"}


def moment() -> str:
    """A name that tells the time, and that nothing else has."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}-{secrets.token_hex(3)}"


def _unwritten(request: dict[str, Any]) -> ArtifactVersion:
    fqn = names.child(request["artifact"], request["name"])
    made = {"id": names.new_id(), "version": "0.1", "updatedAt": 0, "updatedBy": ""}
    return ArtifactVersion.model_validate(request | made | {"fullyQualifiedName": fqn})


def _write_one(of: ArtifactType, request: dict[str, Any]) -> ArtifactHandle:
    """Write a version outside of a run: what fails, fails."""
    outbox = Outbox(current())
    (handle,) = write_versions(outbox, [(of, request)])
    outbox.records(version_records([request]))
    return handle


def _written_at(version: ArtifactVersion) -> int:
    return version.updated_at or 0
