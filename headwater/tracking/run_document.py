"""The document of a run: what the catalog has of it, growing with each step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import count
from threading import Lock
from typing import Any

from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.environment import environment
from headwater.tracking.plain import is_plain, plain

Reference = Mapping[str, str]


class RunDocument:
    """A ``pipelineRun`` in wire form.

    Attributes:
        wire: The request that writes it.
    """

    def __init__(
        self, name: str, pipeline: str, parameters: Mapping[str, Any], code_version: str | None
    ) -> None:
        """Make that of a run that begins now.

        Args:
            name: The run's.
            pipeline: FQN of the pipeline.
            parameters: What the run is started with; what JSON cannot hold is left out.
            code_version: The commit of the code.
        """
        self._lock = Lock()
        self.wire: dict[str, Any] = {
            "name": name,
            "pipeline": pipeline,
            "status": "running",
            "startedAt": now(),
            "parameters": parameter_list(parameters),
            "environment": environment(),
            "steps": [],
            "inputs": [],
            "outputs": [],
        }
        if code_version is not None:
            self.wire["codeVersion"] = code_version

    def as_it_is(self) -> dict[str, Any]:
        """The request now, which no later change reaches."""
        with self._lock:
            lists = ("steps", "inputs", "outputs")
            return {**self.wire, **{name: list(self.wire[name]) for name in lists}}

    def step_name(self, name: str) -> str:
        """A name for a step, of those that the run does not have yet."""
        taken = {each["name"] for each in self.wire["steps"]}
        if name not in taken:
            return name
        return next(each for n in count(2) if (each := f"{name}_{n}") not in taken)

    def completed_steps(self) -> list[str]:
        """Names of the steps that are completed."""
        return [each["name"] for each in self.wire["steps"] if each["status"] == "completed"]

    def add_step(self, step: Mapping[str, Any]) -> None:
        """Add a step that has ended."""
        with self._lock:
            self.wire["steps"].append(dict(step))

    def add_input(self, reference: Reference) -> None:
        """Note what the run reads; what it made itself is no input of it."""
        if reference not in self.wire["inputs"] and reference not in self.wire["outputs"]:
            with self._lock:
                self.wire["inputs"].append(dict(reference))

    def add_outputs(self, references: Sequence[Reference]) -> None:
        """Note what the run makes."""
        with self._lock:
            self.wire["outputs"] += map(dict, references)

    def forget_output(self, reference: Reference) -> None:
        """Take out what the run made, and what is no more."""
        with self._lock:
            self.wire["outputs"].remove(reference)

    def end(self, status: str) -> None:
        """Note how the run ended."""
        self.wire |= {"status": status, "endedAt": now()}


def parameter_list(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Parameters as runs and steps have them, without what JSON cannot hold."""
    return [
        {"name": name, "value": plain(value, name)}
        for name, value in parameters.items()
        if is_plain(value)
    ]


def artifact_reference(handle: ArtifactHandle) -> dict[str, str]:
    """A reference to a version of an artifact, which may not be in the catalog yet."""
    return {"type": "artifactVersion", "fullyQualifiedName": handle.fully_qualified_name}


def now() -> int:
    """The time in milliseconds since the epoch."""
    return int(time.time() * 1000)
