"""Signs of life: records of the pipeline by which others see that a run is at work, or no longer.

As the connectors' runs (``connectors/run_log.py``): type ``run``, key the run's name.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from headwater import names
from headwater.errors import ConflictError, HeadwaterError
from headwater.generated import (
    EntityReference,
    ModelVersion,
    ModelVersionStatus,
    PipelineRun,
    RunStatus,
)
from headwater.sdk import Headwater

RUN = "run"
SILENCE = 90.0
"""Seconds without a sign after which a run on another machine counts as interrupted."""
_RECENT = 20  # runs of a pipeline that a new one looks at


def sign(pipeline: str, run: str, status: str, *, deletes: Sequence[str] = ()) -> dict[str, Any]:
    """The record of a pipeline that tells how far a run of it is.

    Args:
        pipeline: Its FQN.
        run: The run's name.
        status: The run's.
        deletes: FQNs of models, new versions of which are deleted should the run be interrupted.
    """
    now = int(time.time() * 1000)
    data = {"status": status, **({"deletes": list(deletes)} if deletes else {})}
    return {
        "entity": f"pipeline:{pipeline}", "type": RUN, "key": run, "at": now, "data": data,
    }  # fmt: skip


def with_status(hw: Headwater, run: PipelineRun) -> PipelineRun:
    """The run; one that says it is at work while its process is gone, as interrupted.

    That is written, too, where the caller may, and the versions that it was making are failed, or
    deleted as it was to. Runs that tracking did not record are left alone.
    """
    where = run.to_wire().get("environment")
    if run.status != "running" or where is None:
        return run
    last = _last_sign(hw, run)
    if _is_alive(last, where):
        return run
    _interrupt(run, int(last["recordedAt"]) if last else 0)
    with suppress(HeadwaterError):
        deletes = last["data"].get("deletes", ()) if last else ()
        run.outputs = [each for each in run.outputs or () if not _is_gone(hw, each, deletes)]
        run = hw.update(run)
        pipeline = str(run.pipeline.fully_qualified_name)
        hw.put_records([sign(pipeline, run.name, "interrupted", deletes=deletes)])
    return run


def settled(hw: Headwater, version: ModelVersion) -> ModelVersion | None:
    """The version; one whose run is over without it, as that leaves it: None where it is deleted.

    The run was interrupted; or the version was deleted when it ended, and restored since.
    """
    if version.status != "pending" or version.run is None:
        return version
    run = hw.find(PipelineRun, id=version.run.id)
    if run is None or run.to_wire().get("environment") is None:
        return version
    if with_status(hw, run).status == "running":
        return version
    found = hw.find(ModelVersion, id=version.id)
    if found is not None and found.status == "pending":  # the run could not tell of it any more
        last = _last_sign(hw, run)
        with suppress(HeadwaterError):
            _fail_version(hw, found, last["data"].get("deletes", ()) if last else ())
            found = hw.find(ModelVersion, id=version.id)
    return found


def mark_interrupted(hw: Headwater, pipeline: str) -> None:
    """Look at the last runs of a pipeline, and mark those that are interrupted."""
    signs = hw.records(pipeline, RUN, kind="pipeline", latest=True, limit=_RECENT)
    for each in [one for one in signs if one["data"].get("status") == "running"]:
        run = hw.find(PipelineRun, names.child(pipeline, each["key"]))
        if run is not None:
            with_status(hw, run)


def _interrupt(run: PipelineRun, last: int) -> None:
    """Say that a run was interrupted, with those of its steps that were at work.

    Args:
        run: The run.
        last: When it gave its last sign.
    """
    steps = run.steps or ()
    known = [each.ended_at or each.started_at or 0 for each in steps]
    ended = max(last, run.started_at or 0, run.updated_at or 0, *known)
    run.status, run.ended_at = RunStatus.interrupted, ended
    for each in steps:
        if each.status == "running":
            each.status, each.ended_at = RunStatus.interrupted, ended


def _is_gone(hw: Headwater, made: EntityReference, deletes: Sequence[str]) -> bool:
    """Whether something that an interrupted run was making is not kept."""
    if made.type != "modelVersion":
        return False
    found = hw.find(ModelVersion, id=made.id, deleted=True)
    return found is None or _fail_version(hw, found, deletes)


def _fail_version(hw: Headwater, version: ModelVersion, deletes: Sequence[str]) -> bool:
    """A version that an interrupted run was making will not be ready; answer if it is deleted."""
    if version.deleted or version.status != "pending":
        return bool(version.deleted)
    if str(version.mlmodel.fully_qualified_name) in deletes:
        with suppress(ConflictError):  # it is in production
            hw.delete(version)
            return True
    version.status = ModelVersionStatus.failed
    hw.update(version)
    return False


def _is_alive(last: Mapping[str, Any] | None, where: Mapping[str, Any]) -> bool:
    if where.get("host") == socket.gethostname() and not _is_running(where.get("pid")):
        return False
    return last is not None and time.time() * 1000 - int(last["recordedAt"]) < SILENCE * 1000


def _last_sign(hw: Headwater, run: PipelineRun) -> dict[str, Any] | None:
    pipeline = str(run.pipeline.fully_qualified_name)
    return next(iter(hw.records(pipeline, RUN, kind="pipeline", key=run.name, limit=1)), None)


def _is_running(pid: object) -> bool:
    if not isinstance(pid, int) or os.name != "posix":
        return True  # not known: its signs tell
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
