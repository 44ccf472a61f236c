"""One run of a pipeline, from its start to its end, as the catalog gets to know it."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from headwater import names
from headwater.errors import (
    AccessError,
    ClientError,
    HeadwaterError,
    InvalidInputError,
    StoreError,
)
from headwater.sdk import Headwater
from headwater.tracking.artifact import ArtifactHandle, ArtifactType
from headwater.tracking.artifact_store import ArtifactStore, StoredArtifact, open_artifact_store
from headwater.tracking.artifact_write import (
    moment,
    reference_to,
    version_record,
    version_request,
    write_versions,
)
from headwater.tracking.capture import Read, recording
from headwater.tracking.configuration import Configuration
from headwater.tracking.environment import environment
from headwater.tracking.model import Model
from headwater.tracking.outbox import FOLDER, Outbox
from headwater.tracking.plain import is_plain, plain
from headwater.tracking.sign_of_life import Heartbeat, mark_interrupted, sign
from headwater.tracking.training import estimator_fields, read_fields
from headwater.tracking.value_map import ValueMap

SERVICE = "headwater"
"""The built-in pipeline service, whose pipelines are Python's and the connectors'."""
_MOST_TEXT = 10_000  # characters of an error that are kept


class Run:
    """A run that is under way.

    Attributes:
        pipeline: The pipeline's name.
        name: The run's.
        id: The run's.
        model: The version of a model that the pipeline is configured with, if it is.
        values: What its steps returned, and which artifacts that is.
        newest: The last version that it made of each artifact, by name.
        reads: What was read so far.
    """

    def __init__(
        self,
        hw: Headwater,
        pipeline: str,
        *,
        parameters: Mapping[str, Any],
        configuration: Configuration,
        code_version: str | None = None,
    ) -> None:
        """Make it; nothing is written yet.

        Args:
            hw: The catalog.
            pipeline: Name of the pipeline.
            parameters: What the run is started with; what JSON cannot hold is left out.
            configuration: Of the pipeline and its steps.
            code_version: The commit of the code.
        """
        self.hw = hw
        self.pipeline = pipeline
        self.pipeline_fqn = names.join(SERVICE, pipeline)
        self.name = moment()
        self.id = ""
        self.model: Model | None = None
        self.configuration = configuration
        self.outbox = Outbox(hw, Path(FOLDER) / f"{self.name}.jsonl")
        self.store: ArtifactStore = open_artifact_store()
        self.values = ValueMap()
        self.newest: dict[str, ArtifactHandle] = {}
        self._known: set[str] = set()
        self.reads: list[Read] = []
        self._fields: dict[str, dict[str, Any]] = {}
        self._models: dict[tuple[str, str | int | None], Model] = {}
        self._counts: dict[str, count[int]] = {}
        self._heartbeat: Heartbeat | None = None
        self._document: dict[str, Any] = {
            "name": self.name,
            "pipeline": self.pipeline_fqn,
            "status": "running",
            "startedAt": _now(),
            "parameters": parameter_list(parameters),
            "environment": environment(),
            "steps": [],
            "inputs": [],
            "outputs": [],
        }
        if code_version is not None:
            self._document["codeVersion"] = code_version

    @property
    def fqn(self) -> str:
        """The run's FQN."""
        return names.child(self.pipeline_fqn, self.name)

    @property
    def reference(self) -> dict[str, str]:
        """The run, as artifacts and versions refer to it."""
        return {"id": self.id, "type": "pipelineRun"}

    def start(self) -> None:
        """Record that the run begins.

        Raises:
            ClientError: The catalog cannot be reached.
        """
        service = {"name": SERVICE, "serviceType": "CustomPipeline"}
        self.hw.create_or_update(service, kind="pipelineService")
        self.hw.create_or_update({"name": self.pipeline, "service": SERVICE}, kind="pipeline")
        mark_interrupted(self.hw, self.pipeline_fqn)
        self.id = self.hw.create_or_update(self._document, kind="pipelineRun").id
        self.hw.put_records([sign(self.pipeline_fqn, self.name, "running")])
        self._heartbeat = Heartbeat(self.hw, self.pipeline_fqn, self.name)

    def use_model(self, model: Model) -> None:
        """Give the run the model that its pipeline is configured with."""
        self.model = self.bind(model)
        self._write()

    def bind(self, model: Model) -> Model:
        """The version that a configured model is in this run: found or made once."""
        key = (model.wanted.fqn, model.wanted.version)
        known = self._models.get(key)
        if known is None:
            known = model.bound({"id": self.id, "name": self.name})
            known.resolve()
            self._models[key] = known
            side = "outputs" if known.was_created_in_this_run else "inputs"
            self._document[side].append({"id": known.id, "type": "modelVersion"})
        return known

    def bind_if_there(self, model: Model) -> Model | None:
        """The version that a step is configured with; None when the catalog is away."""
        try:
            return self.bind(model)
        except (ClientError, StoreError, AccessError) as error:
            warnings.warn(
                f"what this step makes is not linked to {model}: the catalog does not answer"
                f" ({error})",
                stacklevel=2,
            )
            return None

    def version_name(self, artifact: str) -> str:
        """A name for a version of an artifact that this run makes."""
        number = next(self._counts.setdefault(artifact, count(1)))
        return self.name if number == 1 else f"{self.name}-{number}"

    def step_name(self, name: str) -> str:
        """A name for a step, of those that the run does not have yet."""
        taken = {each["name"] for each in self._document["steps"]}
        if name not in taken:
            return name
        return next(each for n in count(2) if (each := f"{name}_{n}") not in taken)

    def completed_steps(self) -> list[str]:
        """Names of the steps that are completed."""
        return [s["name"] for s in self._document["steps"] if s["status"] == "completed"]

    def add_input(self, reference: Mapping[str, str]) -> None:
        """Note what the run reads; what it made itself is no input of it."""
        if reference not in self._document["inputs"] + self._document["outputs"]:
            self._document["inputs"].append(dict(reference))

    def add_outputs(self, handles: list[ArtifactHandle]) -> None:
        """Note what the run makes."""
        self._document["outputs"] += [artifact_reference(each) for each in handles]

    def version_request(
        self, name: str, version: str | None, stored: StoredArtifact, model: Model | None
    ) -> dict[str, Any]:
        """The request that makes a version of an artifact by this run."""
        request = version_request(name, version or self.version_name(name), stored)
        request["producedBy"] = self.reference
        if model is not None:
            request["modelVersions"] = [reference_to(model)]
        return request

    def saved(
        self,
        name: str,
        stored: StoredArtifact,
        of: ArtifactType,
        *,
        version: str | None,
        model: Model | None,
        step: str | None = None,
    ) -> ArtifactHandle:
        """Keep a value that the run's code saves by itself."""
        request = self.version_request(name, version, stored, model or self.model)
        handle = self.write(of, request if step is None else {**request, "step": step})
        self.add_outputs([handle])
        return handle

    def write(self, of: ArtifactType, request: dict[str, Any]) -> ArtifactHandle:
        """Write one version of an artifact."""
        return self.write_all([(of, request)])[0]

    def write_all(
        self, versions: Sequence[tuple[ArtifactType, dict[str, Any]]]
    ) -> list[ArtifactHandle]:
        """Write versions of artifacts in one commit; which are the newest is told at the end."""
        handles = write_versions(self.outbox, versions, self._known)
        self.newest |= {handle.name: handle for handle in handles}
        return handles

    def end_step(self, step: Mapping[str, Any]) -> None:
        """Record a step that has ended, with all that it read and made."""
        self._document["steps"].append(dict(step))
        self._write()

    def end(self) -> None:
        """Record that the run is completed, and that the versions it made are ready."""
        self._end("completed", "ready")

    def fail(self, error: BaseException) -> None:
        """Record that the run failed, and what becomes of the versions it made."""
        is_failure = isinstance(error, Exception)
        text = "".join(traceback.format_exception(error))[-_MOST_TEXT:]
        message = f"{type(error).__name__}: {error}"[:_MOST_TEXT]
        log = {"message": message, "traceback": text}
        with suppress(HeadwaterError):  # the run's own error says more
            self.outbox.records(
                [{"entity": f"pipelineRun:{self.fqn}", "type": "log", "key": "error",
                  "at": _now(), "data": log}]
            )  # fmt: skip
            self._end("failed" if is_failure else "cancelled", "failed")

    @contextmanager
    def capture(self) -> Iterator[None]:
        """Note what is read while the block runs."""
        with recording(self.hw) as recorder:
            self.reads = recorder.reads
            yield

    def read_inputs(self, number: int) -> list[dict[str, str]]:
        """Note what was read after the first so many as inputs of the run; return references."""
        found = [each for read in self.reads[number:] for each in read.references()]
        for each in found:
            self.add_input(each)
        return found

    def trained(self, model: Model, value: Any, arguments: Iterable[Any] = ()) -> None:
        """Note what a version is, of what a step returned for it."""
        fields = estimator_fields(value, arguments, self.reads)
        if fields is not None:
            self._fields[model.id] = fields

    # Inside

    def _end(self, status: str, version_status: str) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
        made = [each for each in self._models.values() if each.was_created_in_this_run]
        for model in made:
            if version_status == "failed" and model.delete_new_version_on_failure:
                self._forget(model)
            else:
                self._end_version(model, version_status)
        self.read_inputs(0)
        self._document |= {"status": status, "endedAt": _now()}
        self._write()
        newest = [version_record(handle.entity) for handle in self.newest.values()]
        self.outbox.records([sign(self.pipeline_fqn, self.name, status), *newest])
        self.outbox.close()

    def _end_version(self, model: Model, status: str) -> None:
        version = model.resolve()
        request: dict[str, Any] = {
            "name": version.name,
            "mlmodel": version.mlmodel.fully_qualified_name,
            "status": status,
        }
        if status == "ready":
            request["trainedAt"] = _now()
            request |= self._fields.get(model.id) or read_fields(self.reads)
        try:
            self.outbox.put("modelVersion", [request])
        except InvalidInputError as error:
            warnings.warn(f"{model} is not tied to its data: {error}", stacklevel=2)
            untied = {key: each for key, each in request.items() if key != "mlFeatures"}
            self.outbox.put("modelVersion", [untied])

    def _forget(self, model: Model) -> None:
        reference = {"id": model.id, "type": "modelVersion"}
        self._document["outputs"].remove(reference)
        with suppress(HeadwaterError):  # it was promoted meanwhile, or the catalog is away
            self.hw.delete(model.resolve())

    def _write(self) -> None:
        self.outbox.put("pipelineRun", [self._document])


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


def _now() -> int:
    return int(time.time() * 1000)
