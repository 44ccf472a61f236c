"""Writing versions of artifacts: requests with all their links, and what tells the newest."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater import names
from headwater.errors import InvalidInputError
from headwater.generated import ArtifactVersion
from headwater.sdk.model_version import ArtifactType
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_store import StoredArtifact
from headwater.tracking.connection import current
from headwater.tracking.outbox import Outbox

if TYPE_CHECKING:
    from headwater.tracking.model import Model

VERSIONS = "version"
"""Type of the records of an artifact that tell its versions, the newest first."""


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
        outbox.put("artifact", [_artifact_request(fqn, of) for fqn, of in new.items()])
        known.update(new)
    requests = [request for _, request in versions]
    written = outbox.put("artifactVersion", requests)
    found = map(_unwritten, requests) if written is None else written
    return [ArtifactHandle(each) for each in found]


def _artifact_request(fqn: str, of: ArtifactType) -> dict[str, Any]:
    """What makes an artifact; data is what it is unless said, and takes nothing from a model."""
    request = {"name": names.split(fqn)[0]}
    return request if of == "data" else {**request, "artifactType": of}


def version_record(version: ArtifactVersion) -> dict[str, Any]:
    """The record of an artifact that tells that a version is the newest."""
    artifact = names.split(str(version.fully_qualified_name))[0]
    data = {} if version.hash is None else {"hash": version.hash}
    of = f"artifact:{names.join(artifact)}"
    return {"entity": of, "type": VERSIONS, "key": version.name, "data": data}


def reference_to(model: Model) -> dict[str, str]:
    """A reference to the version of a model."""
    return {"id": model.version_id, "type": "modelVersion"}


def moment() -> str:
    """A name that tells the time, and that nothing else has."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}-{secrets.token_hex(3)}"


def _unwritten(request: dict[str, Any]) -> ArtifactVersion:
    fqn = names.child(request["artifact"], request["name"])
    made = {"id": names.new_id(), "version": "0.1", "updatedAt": 0, "updatedBy": ""}
    return ArtifactVersion.model_validate(request | made | {"fullyQualifiedName": fqn})


def write_one(of: ArtifactType, request: dict[str, Any]) -> ArtifactHandle:
    """Write a version outside of a run: what fails, fails."""
    outbox = Outbox(current())
    (handle,) = write_versions(outbox, [(of, request)])
    outbox.records([version_record(handle.resolved)])
    return handle
