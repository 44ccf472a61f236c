"""One run of a pipeline, from its start to its end, as the catalog gets to know it."""

from __future__ import annotations

import logging
import os
import threading
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from headwater import names
from headwater.errors import HeadwaterError, InvalidInputError
from headwater.sdk import Headwater
from headwater.sdk.model_version import ArtifactType
from headwater.tracking.artifact import ArtifactHandle
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
from headwater.tracking.model import Model
from headwater.tracking.outbox import AWAY, FOLDER, Outbox
from headwater.tracking.run_document import Reference, RunDocument, artifact_reference, now
from headwater.tracking.run_model import RunModels
from headwater.tracking.run_writer import RunWriter
from headwater.tracking.sign_of_life import mark_interrupted, sign
from headwater.tracking.value_map import ValueMap

if TYPE_CHECKING:
    from headwater.tracking.step_run import StepRun

SERVICE = "headwater"
"""The built-in pipeline service, whose pipelines are Python's and the connectors'."""
_log = logging.getLogger("headwater.tracking")
_MOST_TEXT = 10_000  # characters of an error that are kept


class Run:
    """A run that is under way.

    Attributes:
        pipeline: The pipeline's name.
        name: The run's.
        id: The run's.
        model: The version of a model that the pipeline is configured with, if it is.
        values: What its steps returned, and which artifacts that is.
        newest: The last version that it made, or took from the cache, of each artifact, by name.
        reads: What was read so far.
        configured: Names of steps whose configuration was looked up.
        at_work: The steps that are under way.
        context: That of the pipeline's own code.
        threads_before: Those that were there when it began.
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
        self.reads: list[Read] = []
        self.configured: set[str] = set()
        self.at_work: list[StepRun] = []
        self.context: Context | None = None
        self.threads_before = WeakSet(threading.enumerate())
        self._process = os.getpid()
        self.document = RunDocument(self.name, self.pipeline_fqn, parameters, code_version)
        self._models = RunModels(self.document, self.outbox)
        self._known: set[str] = set()
        self._written: dict[str, ArtifactHandle] = {}
        self._counts: dict[str, count[int]] = {}
        self._writer: RunWriter | None = None
        self._shown: set[str] = set()

    @property
    def fqn(self) -> str:
        """The run's FQN."""
        return names.child(self.pipeline_fqn, self.name)

    @property
    def is_here(self) -> bool:
        """Whether it is a run of this process, and not of the one that this was forked from."""
        return self._process == os.getpid()

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
        self.id = self.hw.create_or_update(self.document.wire, kind="pipelineRun").id
        self._models.may_delete(self.configuration.model)
        self._beat()
        self._writer = RunWriter(self._write, self._beat)

    def use_model(self, model: Model) -> None:
        """Give the run the model that its pipeline is configured with."""
        self.model = self.bind(model)

    def bind(self, model: Model) -> Model:
        """The version that a configured model is in this run: found or made once."""
        if self._models.may_delete(model):
            self._beat()  # before there is one that nobody knows is to be deleted
        found = self._models.bind(model, {"id": self.id, "name": self.name})
        self._show(found.version_id)
        return found

    def bind_if_there(self, model: Model) -> Model | None:
        """As ``bind``; None when the catalog is away."""
        try:
            return self.bind(model)
        except AWAY as error:
            warnings.warn(
                f"what a step makes is not linked to {model}: the catalog is away ({error})",
                stacklevel=2,
            )
            return None

    def version_name(self, artifact: str) -> str:
        """A name for a version of an artifact that this run makes."""
        number = next(self._counts.setdefault(artifact, count(1)))
        return self.name if number == 1 else f"{self.name}-{number}"

    def version_request(
        self, name: str, version: str | None, stored: StoredArtifact, links: Sequence[Reference]
    ) -> dict[str, Any]:
        """The request that makes a version of an artifact by this run.

        Args:
            name: The artifact's.
            version: The version's; made unless given.
            stored: Its content.
            links: References to the versions of models that it is linked to.
        """
        request = version_request(name, version or self.version_name(name), stored)
        request["producedBy"] = self.reference
        if links:
            request["modelVersions"] = [dict(each) for each in links]
        return request

    def used(self, handle: ArtifactHandle) -> None:
        """Note an artifact that is read, and the version of a model that it was asked of."""
        self.document.add_input(artifact_reference(handle))
        if handle.asked_of is not None:
            self.document.add_input(handle.asked_of)

    def saved(
        self,
        name: str,
        stored: StoredArtifact,
        of: ArtifactType,
        *,
        version: str | None,
        model: Model | None,
    ) -> ArtifactHandle:
        """Keep a value that the pipeline's own code saves."""
        model = model or self.model
        links = [] if model is None else [reference_to(model)]
        handle = self.write(of, self.version_request(name, version, stored, links))
        self.document.add_outputs([artifact_reference(handle)])
        self._changed()
        return handle

    def write(self, of: ArtifactType, request: dict[str, Any]) -> ArtifactHandle:
        """Write one version of an artifact."""
        return self.write_all([(of, request)])[0]

    def write_all(
        self, versions: Sequence[tuple[ArtifactType, dict[str, Any]]]
    ) -> list[ArtifactHandle]:
        """Write versions of artifacts in one commit; which are the newest is told at the end."""
        handles = write_versions(self.outbox, versions, self._known)
        made = {handle.name: handle for handle in handles}
        self.newest |= made
        self._written |= made
        return handles

    def took(self, handle: ArtifactHandle) -> None:
        """Note a version of an artifact that an equal step of an earlier run made."""
        self.document.add_input(artifact_reference(handle))
        self.newest[handle.name] = handle

    def begin_step(self, name: str, step: dict[str, Any]) -> str:
        """Show a step that begins, if it takes a moment; return its name in this run."""
        name = self.document.begin_step(name, step)
        if self._writer is not None:
            self._writer.soon()
        return name

    def show_step(self, name: str) -> None:
        """See that the catalog has a step that runs, before something is said of it."""
        self._show(name)

    def end_step(self, step: Mapping[str, Any]) -> None:
        """Record a step that has ended, with all that it read and made."""
        self.document.end_step(step)
        self._changed()

    def step_ended(self, model: Model | None, *, completed: bool) -> None:
        """Note how a step with a model ended; what becomes of the run's own, the run decides."""
        if model is not None and model is not self.model:
            self._models.step_ended(model, completed=completed)

    def end(self) -> None:
        """Record that the run is completed, and that the versions it made are ready.

        A process that was forked from the run's may get here, too; it ends nothing, nor fails it.
        """
        if self.is_here:
            self._end("completed")

    def warn_of_unused(self) -> None:
        """Tell of configured steps that did not run."""
        if unused := sorted(set(self.configuration.steps) - self.configured):
            warnings.warn(
                f"the configuration is of steps that did not run: {', '.join(unused)};"
                f" those that did are {', '.join(sorted(self.configured)) or 'none'}",
                stacklevel=3,
            )

    def fail(self, error: BaseException) -> None:
        """Record that the run failed, and what becomes of the versions it made."""
        if not self.is_here:
            return
        is_failure = isinstance(error, Exception)
        told = traceback.TracebackException.from_exception(error)
        message = _text(told.format_exception_only()).strip()[:_MOST_TEXT]
        log = {"message": message, "traceback": _text(told.format())[-_MOST_TEXT:]}
        record = {"entity": f"pipelineRun:{self.fqn}", "type": "log", "key": "error", "data": log}
        with suppress(HeadwaterError):  # the run's own error says more
            self.outbox.records([{**record, "at": now()}])
        with suppress(HeadwaterError):  # as above
            self._end("failed" if is_failure else "cancelled")

    @contextmanager
    def capture(self) -> Iterator[None]:
        """Note what is read while the block runs."""
        with recording(self.hw) as recorder:
            self.reads = recorder.reads
            self.context = copy_context()
            yield

    def read_inputs(self, reads: Iterable[Read]) -> list[dict[str, str]]:
        """Note what was read as inputs of the run; return references."""
        found = [each for read in reads for each in read.references()]
        for each in found:
            self.document.add_input(each)
        return found

    def trained(self, model: Model, value: Any, arguments: Iterable[Any] = ()) -> None:
        """Note what a version is, of what a step returned for it."""
        self._models.trained(model, value, arguments, self.reads)

    # Inside

    def _end(self, status: str) -> None:
        if self._writer is not None:
            self._writer.stop()
        self.read_inputs(self.reads)
        if status == "completed":
            self._models.complete(self.reads)
        else:
            self._models.fail()
        self.document.end(status)
        self._write()
        newest = [version_record(handle.resolved) for handle in self._written.values()]
        self.outbox.records([sign(self.pipeline_fqn, self.name, status), *newest])
        self.outbox.close()

    def _beat(self) -> None:
        deletes = self._models.deletes
        self.hw.put_records([sign(self.pipeline_fqn, self.name, "running", deletes=deletes)])

    def _changed(self) -> None:
        if self._writer is not None:
            self._writer.changed()

    def _show(self, what: str) -> None:
        """Write the run now, unless a write of it told a step, by name, or a version, by id."""
        if what not in self._shown and self._writer is not None:
            self._writer.write()

    def _write(self) -> None:
        document = self.document.as_it_is()
        try:
            self.outbox.put("pipelineRun", [document])
        except InvalidInputError as error:
            pointers = [each["pointer"] for each in error.errors]
            if not self.document.forget(document, pointers):
                raise
            _log.warning("run %s is not tied to what it read or made: %s", self.fqn, error)
            self._write()
            return
        self._shown |= {each["name"] for each in document["steps"]}
        self._shown |= {each.get("id", "") for each in document["inputs"] + document["outputs"]}


def _text(lines: Iterable[str]) -> str:
    """Lines of an error, which may hold anything, as text that the catalog takes."""
    text = "".join(lines).encode(errors="backslashreplace").decode()
    return text.replace("\0", "\\x00")
