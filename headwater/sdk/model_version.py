"""The calls about versions of models: which one is where, and moving them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

from headwater.generated import ModelVersion
from headwater.sdk.address import EntityLike, address_of, segment
from headwater.sdk.session import PAGE, Session, entity_of

Stage = Literal["none", "staging", "production", "archived"]
Listed = Literal["staging", "production", "archived"]


class ModelVersionCalls(Session):
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
        stage: Stage,
        *,
        reason: str | None = None,
        effective_at: int | None = None,
        exclusive: bool | None = None,
    ) -> ModelVersion:
        """Move a version of a model to a stage, and return it.

        Into production, the model's algorithm, features, parameters, store and server become the
        version's, in the same commit.

        Args:
            version: Which one; its FQN is ``service.model.version``.
            stage: ``none``, ``staging``, ``production`` or ``archived``.
            reason: Why, for the record.
            effective_at: When it was so, in milliseconds since the epoch; now unless given.
            exclusive: Archive the versions that are in the stage; unless given, in staging and
                production they are.
        """
        body = {"stage": stage, "reason": reason, "effectiveAt": effective_at}
        body["exclusive"] = exclusive
        given = {name: value for name, value in body.items() if value is not None}
        path = self._path(address_of(version, "modelVersion"))
        return entity_of(ModelVersion, self._wire.send("POST", path + "/stage", body=given))

    def set_alias(self, version: EntityLike, alias: str) -> ModelVersion:
        """Give a version an alias, such as ``champion``; another that had it loses it."""
        return self._alias("PUT", version, alias)

    def delete_alias(self, version: EntityLike, alias: str) -> ModelVersion:
        """Take an alias from a version.

        Raises:
            NotFoundError: It does not have the alias.
        """
        return self._alias("DELETE", version, alias)

    def lifecycle(self, model: EntityLike, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Iterate over the moves of a model's versions, newest first.

        Each is ``{number, key, at, recordedAt, recordedBy, data}``, where the data has the
        version's ``number`` and ``name``, ``from``, ``to`` and perhaps ``reason`` or ``alias``.
        """
        path = self._path(address_of(model, "mlmodel")) + "/lifecycle"
        return islice(self._pages(path, {"limit": PAGE}), limit)

    def versions_in(
        self, model: EntityLike, stage: Listed, *, at: str | int | None = None
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

    def _alias(self, method: str, version: EntityLike, alias: str) -> ModelVersion:
        path = self._path(address_of(version, "modelVersion"))
        answer = self._wire.send(method, f"{path}/aliases/{segment(alias)}")
        return entity_of(ModelVersion, answer)
