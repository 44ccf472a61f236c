"""The calls about versions of models: which one is where, and moving them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from headwater.errors import InvalidInputError, NotFoundError
from headwater.generated import MlModel, ModelVersion, PipelineRun
from headwater.sdk.address import EntityLike, address_of, segment
from headwater.sdk.comparison import ModelComparison
from headwater.sdk.entities import EntityCalls
from headwater.sdk.memory import parse
from headwater.sdk.model import ModelHandle
from headwater.sdk.session import entity_of

ArtifactType = Literal["data", "model", "deployment"]


class ModelVersionCalls(EntityCalls):
    """Stages, aliases and the record of moves; see ``Headwater``."""

    def model_version(
        self,
        model: EntityLike,
        selector: str | int = "latest",
        *,
        as_of: str | int | None = None,
    ) -> ModelVersion:
        """Return one version of a model.

        Args:
            model: Which model.
            selector: In this order: ``latest``, a stage, an alias, a version's name, its number.
            as_of: What it meant at a time (ISO 8601), at a sequence number, or when the model got a
                version (``version:0.3``).

        Raises:
            NotFoundError: The model has no such version.
        """
        path = f"{self._path(address_of(model, 'mlmodel'))}/modelVersions/{segment(str(selector))}"
        answer = self._wire.send("GET", path, params={"asOf": as_of})
        return entity_of(ModelVersion, answer)

    def set_stage(
        self,
        version: EntityLike,
        stage: str,
        *,
        reason: str | None = None,
        effective_at: int | None = None,
        exclusive: bool | None = None,
        force: bool = False,
    ) -> ModelVersion:
        """Move a version of a model to a stage, and return it.

        Into production, the model's algorithm, features, parameters, store and server become the
        version's, in the same commit.

        Args:
            version: Which one; its FQN is ``service.model.version``.
            stage: ``none``, ``staging``, ``production``, ``archived``, or a stage of your own, in
                any case.
            reason: Why, for the record.
            effective_at: When it was so, in milliseconds since the epoch; now unless given.
            exclusive: Whether the version is to be alone in the stage; unless given, in staging,
                production, and stages of your own that say so, it is.
            force: Archive the versions that stand in the way of that, in the same commit.

        Raises:
            ConflictError: Another version is in the stage; ``details["holders"]`` names it.
            InvalidInputError: There is no such stage; or ``effective_at`` is in the future, before
                the version's last move, or before a stage that it is to have to itself changed
                hands.
        """
        if not isinstance(stage, str):
            raise InvalidInputError(f"a stage is a word, such as 'production', not {stage!r}")
        body = {"stage": stage.lower(), "reason": reason, "effectiveAt": effective_at}
        body |= {"exclusive": exclusive, "force": force or None}
        given = {name: value for name, value in body.items() if value is not None}
        path = self._path(address_of(version, "modelVersion"))
        return entity_of(ModelVersion, self._wire.send("POST", path + "/stage", body=given))

    def set_alias(
        self,
        version: EntityLike,
        alias: str,
        *,
        protected: bool | None = None,
        force: bool = False,
    ) -> ModelVersion:
        """Give a version an alias, such as ``champion``; another that had it loses it.

        Args:
            version: Which one.
            alias: No stage and no number.
            protected: Whether it moves and goes by force only; as before unless given.
            force: Move it although it is protected.

        Raises:
            ConflictError: The alias is protected.
        """
        return self._alias("PUT", version, alias, protected=protected, force=force)

    def delete_alias(self, version: EntityLike, alias: str, *, force: bool = False) -> ModelVersion:
        """Take an alias from a version.

        Args:
            version: Which one.
            alias: Which alias.
            force: Although it is protected.

        Raises:
            NotFoundError: It does not have the alias.
            ConflictError: The alias is protected.
        """
        return self._alias("DELETE", version, alias, force=force)

    def add_model_version(
        self, model: EntityLike, request: Mapping[str, Any] | None = None
    ) -> ModelVersion:
        """Make a version of a model, named by its number unless the request has a name.

        Args:
            model: Which model.
            request: A ``CreateModelVersion`` in wire form, without ``mlmodel``.

        Raises:
            AlreadyExistsError: The name is taken.
        """
        path = self._path(address_of(model, "mlmodel")) + "/modelVersions"
        return entity_of(ModelVersion, self._wire.send("POST", path, body=dict(request or {})))

    def version_runs(
        self, version: EntityLike, *, limit: int | None = None
    ) -> Iterator[PipelineRun]:
        """Iterate over the runs that made or used a version, the last to start first."""
        path = self._path(address_of(version, "modelVersion")) + "/runs"
        return (parse(PipelineRun, each) for each in self._pages(path, limit=limit))

    def version_artifacts(
        self,
        version: EntityLike,
        artifact_type: ArtifactType | None = None,
        *,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Iterate over the artifacts that belong to a version, the last to be written first.

        Each is an ``artifactVersion`` in wire form, with the ``artifactType`` of its artifact.
        """
        path = self._path(address_of(version, "modelVersion")) + "/artifacts"
        return self._pages(path, {"type": artifact_type}, limit=limit)

    def source_changes(self, version: EntityLike) -> dict[str, Any]:
        """Tell what changed in the data of a version since it was trained, by column.

        Returns:
            ``outdated``: whether a column that it reads did; ``tables``: ``{table, trainedOn, now,
            deleted, columns}`` of those that changed, each column ``{name, change, was?, is?,
            features}``; ``erased``: ``{name, feature, trainedOn}`` of the sources whose table was
            erased.
        """
        path = self._path(address_of(version, "modelVersion")) + "/sourceChanges"
        found: dict[str, Any] = self._wire.send("GET", path).data
        return found

    def compare(self, model: EntityLike, versions: Iterable[str | int]) -> ModelComparison:
        """Set versions of a model side by side: what was logged, parameters, features, data.

        Args:
            model: Which model.
            versions: Two to twenty, as ``model_version`` selects them.
        """
        path = self._path(address_of(model, "mlmodel")) + "/compare"
        params = {"version": [str(each) for each in versions]}
        return ModelComparison(self._wire.send("GET", path, params=params).data)

    def model(self, model: EntityLike) -> ModelHandle:
        """Return a model with its versions: history, comparison, what was when.

        Example:
            >>> hw.model("churn").in_stage("production", at="2026-05-03")
        """
        return ModelHandle(self, self._model_named(model))

    def _model_named(self, model: EntityLike) -> MlModel:
        """The model, which may be named as people call it: without its service."""
        try:
            return self.get(MlModel, model)
        except NotFoundError as error:
            known = error.details.get("candidates", ())
            meant = [each for each in known if each.startswith("mlmodel:")]
            if len(meant) != 1:
                raise
            return self.get(MlModel, meant[0])

    def lifecycle(self, model: EntityLike, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Iterate over the moves of a model's versions, newest first.

        Each is ``{number, key, at, recordedAt, recordedBy, data}``, where the data has the
        version's ``number`` and ``name``, ``from``, ``to`` and perhaps ``reason`` or ``alias``.
        """
        path = self._path(address_of(model, "mlmodel")) + "/lifecycle"
        return self._pages(path, limit=limit)

    def versions_in(
        self, model: EntityLike, stage: str, *, at: str | int | None = None
    ) -> list[dict[str, Any]]:
        """Return the versions that were in a stage at a time, by when moves took effect.

        Args:
            model: Which model.
            stage: ``staging``, ``production`` or ``archived``.
            at: ISO 8601, or milliseconds since the epoch; now unless given.

        Returns:
            ``{id, number, name}`` of each.
        """
        path = self._path(address_of(model, "mlmodel")) + "/lifecycle"
        found: list[dict[str, Any]] = self._wire.send(
            "GET", path, params={"stage": stage, "at": at}
        ).data["data"]
        return found

    def _alias(
        self, method: str, version: EntityLike, alias: str, **flags: bool | None
    ) -> ModelVersion:
        if not isinstance(alias, str):
            raise InvalidInputError(f"an alias is text, and not {alias!r}")
        path = self._path(address_of(version, "modelVersion"))
        params = {name: str(value).lower() for name, value in flags.items() if value is not None}
        answer = self._wire.send(method, f"{path}/aliases/{segment(alias)}", params=params)
        return entity_of(ModelVersion, answer)
