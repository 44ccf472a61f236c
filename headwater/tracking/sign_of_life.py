"""Signs of life: records of the pipeline by which others see that a run is at work, or no longer.

As the connectors' runs (``connectors/run_log.py``): type ``run``, key the run's name.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from headwater import names
from headwater.errors import HeadwaterError
from headwater.generated import ModelVersion, ModelVersionStatus, PipelineRun, RunStatus
from headwater.sdk import Headwater

RUN = "run"
SILENCE = 90.0
"""Seconds without a sign after which a run on another machine counts as interrupted."""
_RECENT = 20  # runs of a pipeline that a new one looks at


def sign(pipeline: str, run: str, status: str) -> dict[str, Any]:
    """The record of a pipeline that tells how far a run of it is."""
    now = int(time.time() * 1000)
    return {
        "entity": f"pipeline:{pipeline}",
        "type": RUN,
        "key": run,
        "at": now,
        "data": {"status": status},
    }


def with_status(hw: Headwater, run: PipelineRun) -> PipelineRun:
    """The run; one that says it is at work while its process is gone, as interrupted.

    That is written, too, where the caller may. Runs that tracking did not record are left alone.
    """
    where = run.to_wire().get("environment")
    if run.status != "running" or where is None or _is_alive(hw, run, where):
        return run
    ended = _last_sign(hw, run) or run.started_at
    run.status, run.ended_at = RunStatus.interrupted, ended
    with suppress(HeadwaterError):
        run = hw.update(run)
        pipeline = str(run.pipeline.fully_qualified_name)
        hw.put_records([sign(pipeline, run.name, "interrupted")])
        _fail_versions(hw, run)
    return run


def mark_interrupted(hw: Headwater, pipeline: str) -> None:
    """Look at the last runs of a pipeline, and mark those that are interrupted."""
    signs = hw.records(pipeline, RUN, kind="pipeline", latest=True, limit=_RECENT)
    for each in [one for one in signs if one["data"].get("status") == "running"]:
        run = hw.find(PipelineRun, names.child(pipeline, each["key"]))
        if run is not None:
            with_status(hw, run)


def _fail_versions(hw: Headwater, run: PipelineRun) -> None:
    """The versions that a run was making will not be ready."""
    for each in run.outputs or ():
        if each.type == "modelVersion":
            version = hw.get(ModelVersion, id=each.id)
            if version.status == "pending":
                version.status = ModelVersionStatus.failed
                hw.update(version)


def _is_alive(hw: Headwater, run: PipelineRun, where: Mapping[str, Any]) -> bool:
    if where.get("host") == socket.gethostname() and not _is_running(where.get("pid")):
        return False
    last = _last_sign(hw, run)
    return last is not None and time.time() * 1000 - last < SILENCE * 1000


def _last_sign(hw: Headwater, run: PipelineRun) -> int | None:
    pipeline = str(run.pipeline.fully_qualified_name)
    signs = hw.records(pipeline, RUN, kind="pipeline", key=run.name, limit=1)
    return next((int(each["recordedAt"]) for each in signs), None)


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
