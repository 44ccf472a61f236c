"""A run as the catalog has it: a ``pipelineRun`` with its log, and the pipeline's list of runs.

The pipeline's records of type ``run`` tell who is at work: a run appends one when it begins, while
it goes on, and when it ends. Times are the server's, so that clocks of two machines do not matter.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal

from headwater import names
from headwater.connectors.report import Report
from headwater.errors import HeadwaterError
from headwater.sdk import Headwater

SERVICE = "headwater"
"""The built-in pipeline service, whose pipelines are the connectors' sources."""

Level = Literal["info", "warning", "error"]
_BEAT = 30.0  # seconds between two signs of life
_DEAD = 10 * 60_000  # milliseconds after the last one that a run counts as ended
_MOST = 1000  # records that one exchange takes


class RunLog:
    """Records one run."""

    def __init__(self, hw: Headwater, *, pipeline: str, report: Report) -> None:
        """Make it; nothing is written yet.

        Args:
            hw: The catalog, as the connector.
            pipeline: Name of the pipeline that the run is of.
            report: What the run has done so far.
        """
        self._hw = hw
        self._report = report
        self._pipeline = names.join(SERVICE, pipeline)
        self._name = ""
        self._first: dict[str, Any] = {}
        self._lines: list[dict[str, Any]] = []
        self._beat_at = 0.0

    @property
    def fqn(self) -> str:
        """FQN of the run; empty in a preview."""
        return names.child(self._pipeline, self._name) if self._name else ""

    def start(self) -> None:
        """Record that the run begins.

        Raises:
            HeadwaterError: The catalog cannot be written.
        """
        now = datetime.now(UTC)
        self._name = f"{now:%Y-%m-%dT%H:%M:%SZ}-{secrets.token_hex(3)}"
        service = {"name": SERVICE, "serviceType": "CustomPipeline"}
        self._hw.create_or_update(service, kind="pipelineService")
        pipeline = names.split(self._pipeline)[1]
        self._hw.create_or_update({"name": pipeline, "service": SERVICE}, kind="pipeline")
        self._put("running", startedAt=int(now.timestamp() * 1000))
        self._first = self._sign("running")

    def add(self, level: Level, message: str) -> None:
        """Add a line to the log; it is written with the next sign of life, or at the end."""
        self._lines.append({"key": level, "data": {"message": message}})

    def beat(self) -> None:
        """Give a sign of life, if the last one is some time ago."""
        if self._name and monotonic() - self._beat_at > _BEAT:
            self._sign("running")
            self._flush()

    def overlaps(self) -> bool:
        """Whether another run of the pipeline was at work while this one was."""
        recent = self._first["recordedAt"] - _DEAD
        for each in self._hw.records(self._pipeline, "run", kind="pipeline", latest=True):
            if each["recordedAt"] < recent:
                return False
            is_later = each["number"] > self._first["number"]
            if each["key"] != self._name and (is_later or each["data"]["status"] == "running"):
                return True
        return False

    def end(self) -> None:
        """Record how the run ended, by its report."""
        self._end("completed" if self._report.succeeded else "failed")

    def end_failed(self, error: BaseException) -> None:
        """Record that the run was broken off; if that fails, too, the error itself says more."""
        self.add("error", str(error) or type(error).__name__)
        with suppress(HeadwaterError):
            self._end("failed")

    # Inside

    def _end(self, status: str) -> None:
        for line in self._report.lines()[:1]:
            self.add("info", line)
        self._flush()
        counts = [
            {"key": key, "data": {"value": value}} for key, value in self._report.counts().items()
        ]
        self._hw.add_records(self.fqn, "metric", counts, kind="pipelineRun")
        self._put(status, endedAt=int(datetime.now(UTC).timestamp() * 1000))
        self._sign(status)

    def _put(self, status: str, **fields: Any) -> None:
        run = {"name": self._name, "pipeline": self._pipeline, "status": status, **fields}
        self._hw.create_or_update(run, kind="pipelineRun")

    def _sign(self, status: str) -> dict[str, Any]:
        self._beat_at = monotonic()
        record = {"key": self._name, "data": {"status": status}}
        return self._hw.add_records(self._pipeline, "run", record, kind="pipeline")[0]

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        for at in range(0, len(lines), _MOST):
            self._hw.add_records(self.fqn, "log", lines[at : at + _MOST], kind="pipelineRun")
