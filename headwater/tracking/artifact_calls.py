"""Saving, loading and finding artifacts, in a run and outside of one."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from headwater import names
from headwater.errors import InvalidInputError, NotFoundError
from headwater.generated import Artifact, ArtifactVersion
from headwater.sdk import Headwater
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_store import open_artifact_store
from headwater.tracking.artifact_write import (
    VERSIONS,
    artifact_type,
    moment,
    reference_to,
    version_request,
    write_one,
)
from headwater.tracking.check import check_model
from headwater.tracking.connection import current
from headwater.tracking.context import current_outbox, find_run, find_step

if TYPE_CHECKING:
    from headwater.tracking.model import Model


def save_artifact(
    name: str,
    value: Any,
    *,
    version: str | int | None = None,
    is_model_artifact: bool = False,
    is_deployment_artifact: bool = False,
    model: Model | None = None,
) -> ArtifactHandle:
    """Keep a value as an artifact, and return it.

    In a step it is made by the step, and linked to the step's model when the step ends.

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
    version = version_name(version)
    check_model(model)
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
    return write_one(of, request)


def load_artifact(name: str, version: str | int | None = None, **options: Any) -> Any:
    """Read the value of an artifact.

    Args:
        name: The artifact's, or the id of a version.
        version: Name of the version; the newest unless given.
        options: As ``ArtifactHandle.load``.
    """
    return sought(name, version).load(**options)


def sought(name: str, version: str | int | None = None) -> ArtifactHandle:
    """The newest version of an artifact, which in a run is what that made; or the one of a name.

    Raises:
        NotFoundError: There is none.
    """
    if not isinstance(name, str):
        raise InvalidInputError(f"an artifact has a name, which is text and not {name!r}")
    run, step, wanted = find_run(), find_step(), version_name(version)
    question = {"artifact": name, "version": wanted}
    try:
        made = run.newest.get(name) if run is not None and wanted is None else None
        handle = copy(made or _find_artifact(current(), name, wanted))
    except NotFoundError:
        if step is not None:
            step.effects.look(question, None)
        raise
    handle.question = question
    if step is not None:
        step.looked(handle)
    return handle


def _find_artifact(hw: Headwater, name: str, wanted: str | None) -> ArtifactHandle:
    fqn = names.join(name)
    if wanted is not None:
        return ArtifactHandle(hw.get(ArtifactVersion, names.join(name, wanted)))
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


def version_name(version: str | int | None) -> str | None:
    """The name of an artifact's version, which may look like a number.

    Raises:
        InvalidInputError: It is neither text nor a number.
    """
    if version is None or isinstance(version, str):
        return version
    if isinstance(version, bool) or not isinstance(version, int):
        raise InvalidInputError(f"a version of an artifact has a name, which is not {version!r}")
    return str(version)


def link(artifact_version: str, model: Model) -> None:
    """Link a version of an artifact, by FQN, to a version of a model.

    In a step that is done when it ends.
    """
    step = find_step()
    if step is not None:
        return step.link(artifact_version, model)
    return current_outbox().link(artifact_version, model.version_id)


def renamed(handle: ArtifactHandle, name: str) -> ArtifactHandle:
    """The artifact of another name that has the content of one; made now."""
    kept = ("uri", "hash", "size", "dataType", "mediaType")
    about = {key: value for key, value in handle.resolved.to_wire().items() if key in kept}
    if handle.resolved.produced_by is not None:
        about["producedBy"] = {"id": handle.resolved.produced_by.id, "type": "pipelineRun"}
    request = {"name": handle.resolved.name, "artifact": names.join(name), **about}
    return write_one(handle.type, request)


def _written_at(version: ArtifactVersion) -> int:
    return version.updated_at or 0
