"""The document of a run: what the catalog has of it, growing with each step."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from itertools import count
from threading import Lock
from typing import Any

from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.environment import environment
from headwater.tracking.plain import is_parameter, plain

Reference = Mapping[str, str]
_REFERENCE = re.compile(r"(/steps/(?P<step>\d+))?/(?P<list>inputs|outputs)/(?P<at>\d+)(/.*)?")


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
        self._running: dict[str, Mapping[str, Any]] = {}
        self._taken: dict[str, count[int]] = {}
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
            found = {**self.wire, **{name: list(self.wire[name]) for name in lists}}
            found["steps"] += map(_now, self._running.values())
            return found

    def begin_step(self, name: str, step: dict[str, Any]) -> str:
        """Add a step that begins; return its name: the one asked for, or the next that is free.

        Args:
            name: The one asked for.
            step: The step, which is shown as it is until it ends; its name is filled in.
        """
        with self._lock:
            if name in self._taken:
                numbers = self._taken[name]
                name = next(each for n in numbers if (each := f"{name}_{n}") not in self._taken)
            self._taken[name] = count(2)
            step["name"] = name
            self._running[name] = step
        return name

    def step_names(self) -> list[str]:
        """Names of the steps that run or ran."""
        return list(self._taken)

    def completed_steps(self) -> list[str]:
        """Names of the steps that are completed."""
        return [each["name"] for each in self.wire["steps"] if each["status"] == "completed"]

    def end_step(self, step: Mapping[str, Any]) -> None:
        """Note that a step has ended."""
        with self._lock:
            self._running.pop(step["name"], None)
            self.wire["steps"].append(dict(step))

    def add_input(self, reference: Reference) -> None:
        """Note what the run reads; what it made itself is no input of it."""
        with self._lock:
            if reference not in self.wire["inputs"] and reference not in self.wire["outputs"]:
                self.wire["inputs"].append(dict(reference))

    def forget(self, refused: Mapping[str, Any], pointers: Sequence[str]) -> bool:
        """Take out what was read or made and is no more; answer whether there was such.

        Args:
            refused: The request that was refused.
            pointers: To what of it is at fault.
        """
        found = list(filter(None, (_reference_at(refused, each) for each in pointers)))
        with self._lock:
            for holder in (self.wire, *self.wire["steps"], *self._running.values()):
                for name in ("inputs", "outputs"):
                    holder[name][:] = [each for each in holder[name] if each not in found]
        return bool(found)

    def add_outputs(self, references: Sequence[Reference]) -> None:
        """Note what the run makes."""
        with self._lock:
            self.wire["outputs"] += map(dict, references)

    def forget_output(self, reference: Reference) -> None:
        """Take out what the run made, and what is no more."""
        with self._lock:
            self.wire["outputs"] = [each for each in self.wire["outputs"] if each != reference]

    def end(self, status: str) -> None:
        """Note how the run ended."""
        self.wire |= {"status": status, "endedAt": now()}


def _reference_at(request: Mapping[str, Any], pointer: str) -> Reference | None:
    """The reference among inputs or outputs that a pointer points to."""
    at = _REFERENCE.fullmatch(pointer)
    if at is None:
        return None
    holder = request if at["step"] is None else request["steps"][int(at["step"])]
    found: Reference = holder[at["list"]][int(at["at"])]
    return found


def _now(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step that runs, which no later change of it reaches."""
    return {**step, "inputs": list(step["inputs"]), "outputs": list(step["outputs"])}


def parameter_list(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Parameters as runs and steps have them, without what JSON cannot hold or what is long."""
    return [
        {"name": name, "value": plain(value, name)}
        for name, value in parameters.items()
        if is_parameter(value)
    ]


def artifact_reference(handle: ArtifactHandle) -> dict[str, str]:
    """A reference to a version of an artifact, which may not be in the catalog yet."""
    return {"type": "artifactVersion", "fullyQualifiedName": handle.fqn}


def now() -> int:
    """The time in milliseconds since the epoch."""
    return int(time.time() * 1000)
