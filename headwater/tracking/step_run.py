"""One step of a run while it runs: what it is given, what it makes, and how it ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from headwater.errors import InvalidInputError, NotFoundError
from headwater.sdk.model_version import ArtifactType
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_store import StoredArtifact
from headwater.tracking.artifact_write import artifact_type, reference_to
from headwater.tracking.capture import Read
from headwater.tracking.metadata import metadata_records
from headwater.tracking.model import Model
from headwater.tracking.output import Output
from headwater.tracking.run import Run
from headwater.tracking.run_document import Reference, artifact_reference, now, parameter_list
from headwater.tracking.selection import model_fqn
from headwater.tracking.step_cache import cache_record

Request = dict[str, Any]


class StepRun:
    """A step that is under way, or has ended.

    Attributes:
        run: The run that it is of.
        name: Its name within the run.
        model: The version of a model that it is configured with, else its pipeline.
        logged: What it logged on that version, by name.
        reads: What it read.
    """

    def __init__(
        self,
        run: Run,
        name: str,
        *,
        model: Model | None,
        parameters: Mapping[str, Any],
        makes: Collection[str] = (),
    ) -> None:
        """Make it; nothing is written yet.

        Args:
            run: The run that it is of.
            name: The name that is asked for it.
            model: See the class.
            parameters: What it is called with, beside artifacts.
            makes: Names of the outputs that its annotation lists.
        """
        self.run = run
        self._makes = makes
        self.model = model
        self._document: dict[str, Any] = {
            "status": "running",
            "startedAt": now(),
            "parameters": parameter_list(parameters),
            "inputs": [],
            "outputs": [],
        }
        self.logged: dict[str, Any] = {}
        self._used: list[Reference] = []
        self._later: list[tuple[str | None, Mapping[str, Any]]] = []
        self._saved: dict[str, tuple[ArtifactType, Request]] = {}
        self._linked: list[tuple[str, str]] = []
        self.reads: list[Read] = []
        self.name = run.begin_step(name, self._document)

    def used(self, handle: ArtifactHandle) -> None:
        """Note an artifact that the step reads, and the version of a model that it is of."""
        reference = artifact_reference(handle)
        if reference not in self._document["inputs"]:
            self._document["inputs"].append(reference)
        if handle.asked_of is not None and handle.asked_of not in self._used:
            self._used.append(handle.asked_of)
        self.run.used(handle)

    def given(self, name: str, stored: StoredArtifact, of: ArtifactType) -> ArtifactHandle:
        """Keep a value that no step made, and that the step is given, as an artifact."""
        artifact = f"{self.run.pipeline}::{name}"
        links = [] if self.model is None else [reference_to(self.model)]
        request = self.run.version_request(artifact, None, stored, links)
        del request["producedBy"]
        return self.run.write(of, request)

    def saved(
        self,
        name: str,
        stored: StoredArtifact,
        of: ArtifactType,
        *,
        version: str | None,
        model: Model | None,
    ) -> ArtifactHandle:
        """Keep a value that the step's function saves by itself.

        It is there at once, and linked to nothing until the step ends.
        """
        request = self._request(name, version, stored, model or self.model)
        links = ("producedBy", "step", "modelVersions")
        handle = self.run.write(of, {k: each for k, each in request.items() if k not in links})
        self._saved[handle.fully_qualified_name] = (of, request)
        self._document["outputs"].append(artifact_reference(handle))
        return handle

    def link(self, artifact_version: str, model_version: str) -> None:
        """Link a version of an artifact, by FQN, to a version of a model when the step ends."""
        self._linked.append((artifact_version, model_version))

    def will_log(self, artifact: str | None, metadata: Mapping[str, Any]) -> bool:
        """Note metadata of an output that is written when the step ends.

        Returns:
            False when the step lists no output of that name.
        """
        if artifact is not None and artifact not in self._makes:
            return False
        metadata_records("", metadata, about={})  # what cannot be kept is refused where it is said
        self._later.append((artifact, metadata))
        return True

    def complete(
        self,
        outputs: Sequence[tuple[Output, Any]],
        *,
        code_version: str | None = None,
        cache_key: str | None = None,
    ) -> None:
        """Keep what the step returned, and record that it is completed.

        Raises:
            InvalidInputError: No materializer writes a value.
            StoreError: The artifact store cannot be written.
        """
        versions: list[tuple[ArtifactType, Request]] = []
        for output, value in outputs:
            config = output.config
            name = config.name or f"{self.run.pipeline}::{self.name}::{output.name}"
            stored = self.run.store.put(value, name=name)
            of = artifact_type(
                value,
                is_model=config.is_model_artifact,
                is_deployment=config.is_deployment_artifact,
            )
            model = self._model_of(output)
            versions.append((of, self._request(name, config.version, stored, model)))
        handles = self._write(versions)
        for (_, value), handle in zip(outputs, handles, strict=True):
            self.run.values.add(value, handle)
        self._made(handles)
        about = {"codeVersion": code_version, "cacheKey": cache_key}
        self._end("completed", **about)
        made = {output.name: handle for (output, _), handle in zip(outputs, handles, strict=True)}
        records = self._metadata(made)
        if cache_key is not None:
            records.append(self._cache_record(cache_key, made))
        self.run.outbox.records(records)

    def complete_cached(
        self, handles: Sequence[ArtifactHandle], *, cache_key: str, logged: Mapping[str, Any]
    ) -> None:
        """Record that the step is completed by what an earlier run's made, and logged."""
        if self.model is not None:
            about = {"run": self.run.id, "step": self.name}
            entity = f"modelVersion:{self.model.id}"
            self.run.outbox.records(metadata_records(entity, logged, about=about))
        for handle in handles:
            self.run.document.add_input(artifact_reference(handle))
            for each in self._links(self.model):
                self.run.outbox.link(handle.fully_qualified_name, each["id"])
        self._document["outputs"] += [artifact_reference(each) for each in handles]
        self._end("completed", cacheKey=cache_key, cached=True)

    def tell_trained(self, outputs: Sequence[tuple[Output, Any]], arguments: Iterable[Any]) -> None:
        """Tell the run what the step trained for the versions that the run makes."""
        for output, value in outputs:
            model = self._model_of(output)
            if model is not None and model.was_created_in_this_run:
                self.run.trained(model, value, arguments)

    def fail(self) -> None:
        """Record that the step failed, and what it saved before."""
        try:
            self._write([])
        finally:
            self._end("failed")

    # Inside

    def _write(self, versions: Sequence[tuple[ArtifactType, Request]]) -> Sequence[ArtifactHandle]:
        """Write what the step returned and saved in one commit, with its links; return the first.

        What other artifacts it linked follows.
        """
        saved = [*self._saved.values()]
        written = self.run.write_all([*saved, *versions]) if saved or versions else []
        self.run.document.add_outputs([artifact_reference(each) for each in written[: len(saved)]])
        for artifact_version, model_version in self._linked:
            self.run.outbox.link(artifact_version, model_version)
        return written[len(saved) :]

    def _end(self, status: str, **about: Any) -> None:
        for each in self.run.read_inputs(self.reads):
            if each not in self._document["inputs"]:
                self._document["inputs"].append(each)
        self._document |= {"status": status, "endedAt": now()}
        self._document |= {name: each for name, each in about.items() if each is not None}
        self.run.step_ended(self.model, completed=status == "completed")
        self.run.end_step(self._document)

    def _made(self, handles: Sequence[ArtifactHandle]) -> None:
        self._document["outputs"] += [artifact_reference(each) for each in handles]
        self.run.document.add_outputs([artifact_reference(each) for each in handles])

    def _request(
        self, name: str, version: str | None, stored: StoredArtifact, model: Model | None
    ) -> Request:
        links = self._links(model)
        return self.run.version_request(name, version, stored, links) | {"step": self.name}

    def _links(self, model: Model | None) -> list[Reference]:
        """The versions of models that something is linked to: the one said, else those used."""
        return self._used if model is None else [reference_to(model)]

    def _model_of(self, output: Output) -> Model | None:
        """The version of a model that an output belongs to."""
        config = output.config
        if config.model_name is None:
            return self.model
        asked = model_fqn(config.model_name)
        is_own = self.model is not None and self.model.wanted.fqn == asked
        if is_own and config.model_version is None:
            return self.model
        try:
            return self.run.bind_if_there(Model(asked, config.model_version or "latest"))
        except NotFoundError:
            if config.model_version is not None:
                raise
            return self.run.bind_if_there(Model(asked))

    def _cache_record(self, key: str, made: Mapping[str, ArtifactHandle]) -> dict[str, Any]:
        reads = [each.to_wire() for each in self.reads]
        record = cache_record(self.run.pipeline_fqn, key, made)
        record["data"] |= {
            "run": self.run.id,
            "step": self.name,
            "reads": reads,
            "logged": self.logged,
        }
        return record

    def _metadata(self, made: Mapping[str, ArtifactHandle]) -> list[dict[str, Any]]:
        """Records of what was logged on outputs before they were written."""
        records: list[dict[str, Any]] = []
        about = {"run": self.run.id, "step": self.name}
        for name, metadata in self._later:
            handle = made.get(name) if name else next(iter(made.values()), None)
            if handle is None:
                raise InvalidInputError(
                    f"metadata was logged on an output of step {self.name!r}, which makes none"
                )
            entity = f"artifactVersion:{handle.fully_qualified_name}"
            records += metadata_records(entity, metadata, about=about)
        return records
