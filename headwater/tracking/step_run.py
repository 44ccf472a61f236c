"""One step of a run while it runs: what it is given, what it makes, and how it ended."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from headwater import names
from headwater.errors import InvalidInputError, NotFoundError
from headwater.sdk.model_version import ArtifactType
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_store import StoredArtifact
from headwater.tracking.artifact_write import artifact_type, reference_to
from headwater.tracking.capture import Read
from headwater.tracking.metadata import STEP_TYPE, metadata_records
from headwater.tracking.model import Model
from headwater.tracking.output import Output
from headwater.tracking.run import Run
from headwater.tracking.run_document import Reference, artifact_reference, now, parameter_list
from headwater.tracking.selection import model_fqn
from headwater.tracking.step_cache import Known, cache_record, content_of
from headwater.tracking.step_effect import StepEffects

_log = logging.getLogger("headwater.tracking")
Request = dict[str, Any]


class StepRun:
    """A step that is under way, or has ended.

    Attributes:
        run: The run that it is of.
        name: Its name within the run.
        model: The version of a model that it is configured with, else its pipeline.
        effects: What else it does.
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
        self.effects = StepEffects()
        self._used: list[Reference] = []
        self._later: list[tuple[str | None, Mapping[str, Any]]] = []
        self._saved: dict[str, tuple[ArtifactHandle, ArtifactType, Request]] = {}
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

    def loaded(self, handle: ArtifactHandle) -> None:
        """Note an artifact that the step's function loads by itself."""
        self.used(handle)
        self.looked(handle, is_used=True)

    def looked(self, handle: ArtifactHandle, *, is_used: bool = False) -> None:
        """Note an artifact that the step's function finds; what it saved itself is its own."""
        if handle.fqn not in self._saved:
            pinned = {"artifact": handle.name, "version": handle.resolved.name}
            self.effects.look(handle.question or pinned, content_of(handle), is_used=is_used)

    def logs(self, records: Sequence[Mapping[str, Any]], model: Model | None) -> None:
        """Note what the step's function logs, of a version of a model: which."""
        saved = {f"artifactVersion:{each.resolved.id}" for each, _, _ in self._saved.values()}
        on_step = (f"pipelineRun:{self.run.id}", STEP_TYPE)
        for each in records:
            if model is not None and model is self.model:
                self.effects.logged[each["key"]] = each["data"]["value"]
                continue
            if (each["entity"], each["type"]) == on_step:
                of, name = names.split(each["key"])
                if of == self.name:
                    self.effects.logged_on_step[name] = each["data"]["value"]
                    continue
            if each["entity"] not in saved:
                self.effects.opaque.append(f"logs on {each['entity']}")

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
        if model is not None and model is not self.model:
            self.effects.opaque.append(f"saves an artifact of {model}")
        self._saved[handle.fqn] = (handle, of, request)
        self._document["outputs"].append(artifact_reference(handle))
        return handle

    def link(self, artifact_version: str, model: Model) -> None:
        """Link a version of an artifact, by FQN, to a version of a model when the step ends.

        One that the code names may be the step's own in this run and another's in the next.
        """
        self._linked.append((artifact_version, model.version_id))
        if model is self.model:
            self.effects.linked.append(artifact_version)
        else:
            self.effects.opaque.append("links an artifact to a version that is not its own")

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
        is_own_word: bool = False,
    ) -> None:
        """Keep what the step returned, and record that it is completed.

        Args:
            outputs: What it returned.
            code_version: Hash of its code.
            cache_key: By which an equal step finds what it made; None: none is to.
            is_own_word: Whether the step itself says that it is cached, whatever it does.

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
        if cache_key is not None and (is_own_word or not self.effects.opaque):
            records.append(self._cache_record(cache_key, made))
        elif cache_key is not None:
            _log.info(
                "step %s is not cached, since it %s; enable_cache=True of the step itself caches"
                " it all the same", self.name, ", and ".join(dict.fromkeys(self.effects.opaque))
            )  # fmt: skip
        self.run.outbox.records(records)

    def complete_cached(
        self, outputs: Sequence[tuple[Output, ArtifactHandle]], known: Known, *, cache_key: str
    ) -> None:
        """Record that the step is completed by what an equal one of an earlier run did.

        Args:
            outputs: What that returned.
            known: What else it did.
            cache_key: By which it was found.
        """
        for each in known.used:
            self.used(each)
        about = {"run": self.run.id, "step": self.name}
        on_step = known.data["loggedOnStep"]
        records = metadata_records(
            f"pipelineRun:{self.run.id}", on_step, about=about, step=self.name
        )
        if self.model is not None:
            entity = f"modelVersion:{self.model.version_id}"
            records += metadata_records(entity, known.data["logged"], about=about)
            for artifact in known.data["linked"]:
                self.run.outbox.link(artifact, self.model.version_id)
        taken = [(each, self.model) for each in known.saved]
        taken += [(handle, self._model_of(output)) for output, handle in outputs]
        for handle, model in taken:
            self.run.took(handle)
            for reference in self._links(model):
                self.run.outbox.link(handle.fqn, reference["id"])
            self._document["outputs"].append(artifact_reference(handle))
        self._end("completed", cacheKey=cache_key, cached=True)
        if on_step:
            self.run.show_step(self.name)
        self.run.outbox.records(records)

    def tell_trained(self, outputs: Sequence[tuple[Output, Any]], arguments: Iterable[Any]) -> None:
        """Tell the run what the step trained for the versions that the run makes.

        Args:
            outputs: What it returned.
            arguments: What it was given; of frames their artifacts, where it did not run.
        """
        for output, value in outputs:
            model = self._model_of(output)
            if model is not None and model.is_new:
                self.run.trained(model, value, map(_frame, arguments))

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
        saved = [(of, request) for _, of, request in self._saved.values()]
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
        saved = [each for each, _, _ in self._saved.values()]
        record = cache_record(self.run.pipeline_fqn, key, made, saved, self.effects)
        record["data"] |= {"run": self.run.id, "step": self.name, "reads": reads}
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
            entity = f"artifactVersion:{handle.fqn}"
            records += metadata_records(entity, metadata, about=about)
        return records


def _frame(argument: Any) -> Any:
    """An argument; of a frame's artifact the frame."""
    is_frame = isinstance(argument, ArtifactHandle) and argument.data_type == "pandas.DataFrame"
    return argument.load() if is_frame else argument
