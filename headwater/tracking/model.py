"""``Model``: one version of a model, as pipelines, notebooks and scripts speak of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Self

from headwater import names
from headwater.generated import MlModel, ModelVersion
from headwater.sdk import Headwater
from headwater.tracking.check import check_name, check_tags, check_version
from headwater.tracking.connection import current
from headwater.tracking.context import asked, opaque, send_metadata
from headwater.tracking.metadata import MetadataValue, metadata_records, read_metadata
from headwater.tracking.model_artifact import ModelArtifacts
from headwater.tracking.selection import Wanted, find_or_make
from headwater.tracking.sign_of_life import settled

_ASKS = "asks which version of a model it has"


class Model(ModelArtifacts):
    """A version of a model; found, or made, when something of it is asked for first.

    Example:
        >>> Model("iris_classifier", version="production").run_metadata["accuracy"].value
        0.93
    """

    def __init__(
        self,
        name: str,
        version: str | int | None = None,
        *,
        license: str | None = None,  # the field's own name
        description: str | None = None,
        tags: Sequence[str] = (),
        create_new_model_version: bool = True,
        delete_new_version_on_failure: bool = False,
    ) -> None:
        """Say which version is meant; nothing is sent yet.

        Args:
            name: The model's, in the configured service; its FQN in another.
            version: ``latest``, a stage, an alias, a name or a number. A name that is not there is
                made; None makes the next version: in a pipeline one for each run.
            license: Of a model that is made now; one that is there is left as it is.
            description: As ``license``.
            tags: As ``license``. Words are tags of the classification ``Label``.
            create_new_model_version: Whether one may be made; otherwise None is the latest.
            delete_new_version_on_failure: Whether the version that a run made is deleted when the
                run fails; otherwise its status is ``failed``.
        """
        check_name(name, "a model")
        check_version(version)
        check_tags(tags)
        self._wanted = Wanted(
            name, version, license, description, tuple(tags), create_new_model_version
        )
        self.delete_new_version_on_failure = delete_new_version_on_failure
        self._found: ModelVersion | None = None
        self._run: Mapping[str, str] | None = None
        self._made = False

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        """The model of a version that was read."""
        model = cls(str(version.mlmodel.fully_qualified_name), version.name)
        model._found = version
        return model

    def __repr__(self) -> str:
        if self._found is not None:
            opaque(_ASKS)
        return f"Model({self._wanted.name!r}, version={self._version_text()!r})"

    # What it is

    @property
    def name(self) -> str:
        """The model's name."""
        return names.split(self._wanted.name)[-1]

    @property
    def version(self) -> str:
        """The version's name."""
        return self.resolve().name

    @property
    def number(self) -> int:
        """The version's number, which no other version of the model ever had."""
        return int(self.resolve().number or 0)

    @property
    def id(self) -> str:
        """The version's id."""
        return str(self.resolve().id)

    @property
    def model_id(self) -> str:
        """The model's id."""
        return str(self.resolve().mlmodel.id)

    @property
    def fully_qualified_name(self) -> str:
        """The version's FQN: ``service.model.version``."""
        return str(self.resolve().fully_qualified_name)

    @property
    def was_created_in_this_run(self) -> bool:
        """Whether the run that asks made the version."""
        opaque(_ASKS)
        return self.is_new

    @property
    def stage(self) -> str:
        """The stage that the version is in now; ``none`` when in none."""
        return str(self.entity.stage or "none")

    @property
    def status(self) -> str | None:
        """``pending`` while its run is at work, then ``ready`` or ``failed``."""
        version = self.entity
        if self._run is None:  # its own run is at work
            version = settled(self._hw, version) or version
        return version.status

    @property
    def aliases(self) -> list[str]:
        """The version's aliases now."""
        return list(self.entity.aliases or ())

    @property
    def description(self) -> str | None:
        """The version's description now; the model's where it has none of its own."""
        return self.entity.description or self._model().description

    @property
    def license(self) -> str | None:
        """The model's license."""
        return self._model().license

    @property
    def tags(self) -> list[str]:
        """The model's tags and the version's own: words of ``Label``, and FQNs of others."""
        tags = [*(self._model().tags or ()), *(self.entity.tags or ())]
        fqns = dict.fromkeys(str(each.fully_qualified_name) for each in tags)
        return [fqn.removeprefix("Label.") for fqn in fqns]

    @property
    def entity(self) -> ModelVersion:
        """The version, as the catalog has it now."""
        self._found = self._hw.get(ModelVersion, id=self.version_id)
        return self._found

    @property
    def run_metadata(self) -> dict[str, MetadataValue]:
        """The newest value of each name that was logged on the version."""
        return read_metadata(self._hw, self.resolved, "modelVersion")

    # What is done with it

    def set_stage(
        self,
        stage: str,
        force: bool = False,
        *,
        reason: str | None = None,
        effective_at: int | None = None,
    ) -> None:
        """Move the version to a stage.

        Args:
            stage: ``staging``, ``production``, ``archived``, ``none``, or one of the catalog's own.
            force: Archive the version that is there, in the same commit.
            reason: Why, for the record.
            effective_at: When it was so, in milliseconds since the epoch; now unless given.

        Raises:
            ConflictError: Another version is in the stage, which holds one, and not ``force``.
            InvalidInputError: There is no such stage, or it is ``latest``.
        """
        self._found = self._hw.set_stage(
            self.resolved, stage, reason=reason, effective_at=effective_at, force=force
        )

    def set_alias(self, alias: str, *, protected: bool | None = None, force: bool = False) -> None:
        """Give the version an alias; another version that had it loses it.

        Args:
            alias: No stage and no number.
            protected: Whether it moves and goes by force only; as before unless given.
            force: Move it although it is protected.
        """
        self._found = self._hw.set_alias(self.resolved, alias, protected=protected, force=force)

    def delete_alias(self, alias: str, *, force: bool = False) -> None:
        """Take an alias from the version; a protected one by ``force`` only."""
        self._found = self._hw.delete_alias(self.resolved, alias, force=force)

    def log_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Log values on the version.

        Raises:
            InvalidInputError: JSON cannot hold a value; the message has its path and type.
        """
        about = {} if self._run is None else {"run": self._run["id"]}
        entity = f"modelVersion:{self.version_id}"
        send_metadata(metadata_records(entity, metadata, about=about), self)

    def history(self) -> Iterator[dict[str, Any]]:
        """Iterate over the moves of the model's versions, newest first."""
        return self._hw.lifecycle(self.resolved.mlmodel)

    def delete(self, *, force: bool = False) -> None:
        """Delete the version; its artifacts stay.

        Raises:
            ConflictError: It is in production, and not ``force``.
        """
        self._hw.delete(self.resolved, force=force)
        if self._run is None:  # a run makes no second one
            self._found = None

    # Inside

    def bound(self, run: Mapping[str, str]) -> Self:
        """This model in a run, which makes a version of its own where one is to be made."""
        model = copy(self)
        model._run, model._found = run, None
        return model

    def resolve(self) -> ModelVersion:
        """Find or make the version, if that was not done yet."""
        opaque(_ASKS)
        return self.resolved

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        return self._wanted

    @property
    def resolved(self) -> ModelVersion:
        """As ``resolve``, for tracking itself: that does not ask in the name of a step's code."""
        if self._found is None:
            self._found, made = find_or_make(current(), self._wanted, run=self._run)
            if made:
                opaque("makes a version of a model")
            self._made = made and self._run is not None
        return self._found

    @property
    def is_new(self) -> bool:
        """As ``was_created_in_this_run``, for tracking itself."""
        return self._made

    @property
    def _hw(self) -> Headwater:
        return asked()

    def _version_text(self) -> str | None:
        if self._found is not None:
            return self._found.name
        return None if self._wanted.version is None else str(self._wanted.version)

    def _model(self) -> MlModel:
        return self._hw.get(MlModel, id=str(self.resolved.mlmodel.id))
