"""The part of ``Client`` that is about artifacts, pipelines and runs."""

from __future__ import annotations

from collections.abc import Iterator

from headwater import names
from headwater.errors import InvalidInputError, NotFoundError
from headwater.generated import Artifact, ArtifactVersion, Pipeline, PipelineRun
from headwater.sdk.address import is_id
from headwater.sdk.session import check_limit
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_calls import sought
from headwater.tracking.check import check_text
from headwater.tracking.connection import current
from headwater.tracking.context import asked
from headwater.tracking.metadata import MetadataValue, read_metadata, read_step_metadata
from headwater.tracking.run import SERVICE
from headwater.tracking.sign_of_life import RUN, with_status


class RunClient:
    """Artifacts, pipelines and their runs; see ``Client``."""

    # Artifacts

    def get_artifact(self, name_or_id: str) -> Artifact:
        """Return an artifact, all versions of it.

        Raises:
            NotFoundError: There is none.
        """
        if is_id(name_or_id):
            return asked().get(Artifact, id=name_or_id)
        check_text(name_or_id, "an artifact")
        return asked().get(Artifact, names.join(name_or_id))

    def list_artifacts(self, *, limit: int | None = None) -> Iterator[Artifact]:
        """Iterate over artifacts by name."""
        return asked().list(Artifact, limit=limit)

    def delete_artifact(self, name_or_id: str) -> None:
        """Delete an artifact with its versions; their content stays in the artifact store."""
        asked().delete(self.get_artifact(name_or_id), recursive=True)

    def get_artifact_version(self, name_or_id: str, version: str | None = None) -> ArtifactHandle:
        """Return a version of an artifact.

        Args:
            name_or_id: The artifact's name; or the version's id.
            version: The version's name; the newest unless given.

        Raises:
            NotFoundError: There is none.
        """
        if is_id(name_or_id):
            return ArtifactHandle(current().get(ArtifactVersion, id=name_or_id))
        return sought(name_or_id, version)

    def list_artifact_versions(
        self, artifact: str, *, limit: int | None = None
    ) -> Iterator[ArtifactHandle]:
        """Iterate over the versions of an artifact by name."""
        found = asked().list(ArtifactVersion, parent=self.get_artifact(artifact), limit=limit)
        return (ArtifactHandle(each) for each in found)

    def delete_artifact_version(self, name_or_id: str, version: str | None = None) -> None:
        """Delete a version of an artifact; its content stays in the artifact store."""
        asked().delete(self.get_artifact_version(name_or_id, version).entity)

    # Pipelines and runs

    def get_pipeline(self, name_or_id: str) -> Pipeline:
        """Return a pipeline.

        Raises:
            NotFoundError: There is none.
        """
        if is_id(name_or_id):
            return asked().get(Pipeline, id=name_or_id)
        check_text(name_or_id, "a pipeline")
        own = asked().find(Pipeline, names.join(SERVICE, name_or_id))  # a name may have dots
        return own or asked().get(Pipeline, _pipeline_fqn(name_or_id))

    def list_pipelines(self, *, limit: int | None = None) -> Iterator[Pipeline]:
        """Iterate over the pipelines that ran in Python, and the connectors', by name."""
        return asked().list(Pipeline, service=SERVICE, limit=limit)

    def delete_pipeline(self, name_or_id: str) -> None:
        """Delete a pipeline with its runs."""
        asked().delete(self.get_pipeline(name_or_id), recursive=True)

    def get_pipeline_run(self, name_or_id: str) -> PipelineRun:
        """Return a run; one whose process is gone is ``interrupted``.

        Args:
            name_or_id: Its id or FQN; or a pipeline's name, whose latest run is meant.

        Raises:
            NotFoundError: There is none.
        """
        hw = asked()
        if is_id(name_or_id):
            return with_status(hw, hw.get(PipelineRun, name_or_id))
        check_text(name_or_id, "a run")
        if len(_parts(name_or_id)) == 3 and (found := hw.find(PipelineRun, name_or_id)):
            return with_status(hw, found)
        for run in self.list_pipeline_runs(name_or_id):
            return run
        raise NotFoundError(f"pipeline {name_or_id!r} has no run")

    def find_pipeline_run(self, pipeline: str) -> PipelineRun | None:
        """Return the latest run of a pipeline, or None when there is none."""
        try:
            return self.get_pipeline_run(pipeline)
        except NotFoundError:
            return None

    def list_pipeline_runs(
        self, pipeline: str, *, status: str | None = None, limit: int | None = None
    ) -> Iterator[PipelineRun]:
        """Iterate over the runs of a pipeline, newest first.

        Args:
            pipeline: Its name or id.
            status: Only those that are ``running``, ``completed``, ``failed``, ``cancelled`` or
                ``interrupted``.
            limit: The most to return.
        """
        check_limit(limit)
        hw, left = asked(), limit
        of = self.get_pipeline(pipeline)
        for each in hw.records(of, RUN, kind="pipeline", latest=True):
            found = hw.find(PipelineRun, names.child(str(of.fully_qualified_name), each["key"]))
            if found is None:
                continue
            run = with_status(hw, found)
            if status not in (None, run.status):
                continue
            if left is not None and (left := left - 1) < 0:
                return
            yield run

    def delete_pipeline_run(self, name_or_id: str) -> None:
        """Delete a run; what it made stays."""
        asked().delete(self.get_pipeline_run(name_or_id))

    def get_run_metadata(
        self, run: str | PipelineRun, step: str | None = None
    ) -> dict[str, MetadataValue]:
        """The newest value of each name that was logged on a run, or on a step of it."""
        if step is None:
            return read_metadata(asked(), run, "pipelineRun")
        return read_step_metadata(asked(), run, step)


def _pipeline_fqn(name: str) -> str:
    parts = _parts(name)
    return name if len(parts) > 1 else names.join(SERVICE, *parts)


def _parts(name: str) -> list[str]:
    """The names that an FQN has; a name with quotes of its own is one."""
    try:
        return names.split(name)
    except InvalidInputError:
        return [name]
