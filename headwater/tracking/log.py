"""``log_metadata`` and its relatives: values logged on versions, artifacts, runs and steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import InvalidInputError
from headwater.generated import ArtifactVersion, PipelineRun
from headwater.sdk.address import EntityLike, address_of, is_id
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_calls import sought
from headwater.tracking.check import check_step
from headwater.tracking.connection import current
from headwater.tracking.context import find_run, find_step, send_metadata
from headwater.tracking.metadata import metadata_records
from headwater.tracking.model import Model
from headwater.tracking.selection import model_fqn


def log_metadata(
    metadata: Mapping[str, Any],
    *,
    infer_model: bool = False,
    model_name: str | None = None,
    model_version: str | int | None = None,
    artifact_version: ArtifactHandle | EntityLike | None = None,
    run: EntityLike | None = None,
    step: str | None = None,
) -> None:
    """Log values, by name: numbers, texts, lists and groups of them, NumPy's scalars.

    Said nothing of where, they are logged on the step that is running, else on the run.

    Args:
        metadata: Values by name.
        infer_model: On the version of a model that the step, else the pipeline, is configured with.
        model_name: On a version of this model.
        model_version: Which one; ``latest`` unless given.
        artifact_version: On a version of an artifact; its name alone means the newest.
        run: On a run, or, with ``step``, on a step of it.
        step: On a step: of ``run``, else of the run that is under way.

    Raises:
        InvalidInputError: JSON cannot hold a value, and the message has its path and type; or it is
            not said where to log it.
        NotFoundError: The run has no such step.
    """
    if infer_model or model_name is not None:
        if infer_model and model_name is not None:
            raise InvalidInputError("infer_model is for a model that is not named")
        return log_model_metadata(metadata, model_name=model_name, version=model_version)
    if artifact_version is not None:
        return log_artifact_metadata(metadata, artifact=artifact_version)
    return _log_on_run(metadata, run, step)


def log_model_metadata(
    metadata: Mapping[str, Any],
    *,
    model_name: str | None = None,
    version: str | int | None = None,
) -> None:
    """Log values on a version of a model.

    Args:
        metadata: Values by name.
        model_name: The model's; the one of the step, else of the pipeline, unless given.
        version: Which one; the context's when the model is the context's, else ``latest``.

    Raises:
        InvalidInputError: See ``log_metadata``; or there is no model in the context.
    """
    model = _context_model()
    if model_name is not None and (model is None or model.wanted.fqn != model_fqn(model_name)):
        model = Model(model_name, version or "latest")
    elif model is None:
        raise InvalidInputError("no model is configured here; model_name says which one is meant")
    elif version is not None:
        model = Model(model.wanted.name, version)
    _log(f"modelVersion:{model.version_id}", metadata, model=model)
    return


def log_artifact_metadata(
    metadata: Mapping[str, Any],
    *,
    artifact: ArtifactHandle | EntityLike | None = None,
    artifact_name: str | None = None,
    artifact_version: str | None = None,
) -> None:
    """Log values on a version of an artifact.

    Args:
        metadata: Values by name.
        artifact: Which one: a handle, or a version that was read.
        artifact_name: In place of it, the artifact's name. In a step that makes one of this name,
            they are logged on what the step makes.
        artifact_version: The version's name; the newest unless given.

    Raises:
        InvalidInputError: See ``log_metadata``.
    """
    step = find_step()
    if isinstance(artifact, str) and not is_id(artifact):
        artifact, artifact_name = None, artifact
    is_newest = artifact is None and artifact_version is None
    if is_newest and step is not None and step.will_log(artifact_name, metadata):
        return
    if artifact is None:
        if artifact_name is None:
            raise InvalidInputError("say which artifact: artifact_name=, or artifact=")
        artifact = sought(artifact_name, artifact_version)
    if isinstance(artifact, ArtifactHandle):
        artifact = artifact.resolved
    entity = current().get(ArtifactVersion, artifact)
    _log(f"artifactVersion:{entity.id}", metadata)
    return


def _log_on_run(metadata: Mapping[str, Any], run: EntityLike | None, step: str | None) -> None:
    known, at_work = find_run(), find_step()
    if run is not None:
        if step is not None:
            found = current().get(PipelineRun, run)
            check_step(step, [each.name for each in found.steps or ()])
        return _log(f"pipelineRun:{_run_id(run)}", metadata, step=step)
    if known is None:
        raise InvalidInputError(
            "say where to log: infer_model=, model_name=, artifact_version= or run=; without them"
            " it is the step or run that is under way, and there is none"
        )
    if step is None and at_work is not None:
        step = at_work.name
    elif step is not None:
        check_step(step, known.document.step_names())
    return _log(f"pipelineRun:{known.id}", metadata, step=step)


def _run_id(run: EntityLike) -> str:
    address = address_of(run, "pipelineRun")
    return address.id or str(current().get(PipelineRun, run).id)


def _context_model() -> Model | None:
    step, run = find_step(), find_run()
    return step.model if step is not None else run.model if run is not None else None


def _log(
    entity: str,
    metadata: Mapping[str, Any],
    *,
    step: str | None = None,
    model: Model | None = None,
) -> None:
    run, at_work = find_run(), find_step()
    about = {} if run is None else {"run": run.id}
    about |= {} if at_work is None else {"step": at_work.name}
    records = metadata_records(entity, metadata, about=about, step=step)
    send_metadata(records, model)
