"""Which version of a model is meant: one that is there, or one that is made now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater import names
from headwater.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from headwater.generated import MlModel, ModelVersion
from headwater.sdk import Headwater
from headwater.sdk.address import EntityLike
from headwater.tracking.check import check_text
from headwater.tracking.connection import model_service
from headwater.tracking.label import tag_references
from headwater.tracking.sign_of_life import settled
from headwater.tracking.stage import ModelStages
from headwater.tracking.template import render

_FOUND_ONLY = frozenset(ModelStages)
"""Words that no version can be called."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model, and which version of it; see ``Model``."""

    name: str
    version: str | int | None
    license: str | None
    description: str | None
    tags: Sequence[str]
    create_new_model_version: bool

    @property
    def fqn(self) -> str:
        """The model's FQN: of a bare name, in the configured service."""
        return model_fqn(self.name)


def model_fqn(name: str) -> str:
    """The FQN of a model: of a bare name, in the configured service.

    Raises:
        InvalidInputError: It is neither a name nor an FQN.
    """
    check_text(name, "a model")
    parts = names.split(name)
    if len(parts) > 2 or not all(parts):
        raise InvalidInputError(
            f"{name!r} is no model: MODEL, or SERVICE.MODEL; quote a name that has dots"
        )
    return name if len(parts) == 2 else names.join(model_service(), parts[0])


def ensure_model(hw: Headwater, wanted: Wanted) -> MlModel:
    """The model; made of what is wanted where it is missing."""
    found = hw.find(MlModel, wanted.fqn)
    if found is not None:
        return found
    service, name = names.split(wanted.fqn)
    request: dict[str, Any] = {"name": name, "service": service, "algorithm": "unknown"}
    request |= {
        key: value
        for key, value in (("license", wanted.license), ("description", wanted.description))
        if value is not None
    }
    if wanted.tags:
        request["tags"] = tag_references(hw, wanted.tags)
    try:
        return hw.create(request, kind=MlModel, replace_deleted=True)
    except AlreadyExistsError:  # somebody else was quicker
        return hw.get(MlModel, wanted.fqn)


def find_or_make(
    hw: Headwater, wanted: Wanted, *, run: Mapping[str, str] | None = None
) -> tuple[ModelVersion, bool]:
    """Return the version that is wanted, and whether it was made now.

    Args:
        hw: The catalog.
        wanted: None as the version makes the next; a name that is not there makes it.
        run: ``id`` and ``name`` of the run that asks, which then is the run that makes it.

    Raises:
        NotFoundError: Nothing is in that stage or has that number; or none may be made.
    """
    text = None if wanted.version is None else render(str(wanted.version), run)
    if text is None and not wanted.create_new_model_version:
        text = ModelStages.LATEST.value
    if text is not None:
        try:
            return version_of(hw, wanted.fqn, text), False
        except NotFoundError:
            if _is_found_only(text) or not wanted.create_new_model_version:
                raise NotFoundError(_missing(wanted, text)) from None
    model = ensure_model(hw, wanted)
    request: dict[str, Any] = {} if text is None else {"name": text}
    if run is not None:
        request |= {"run": {"id": run["id"], "type": "pipelineRun"}, "status": "pending"}
    try:
        return hw.add_model_version(model, request), True
    except AlreadyExistsError as error:  # somebody else was quicker, or it is deleted
        try:
            return version_of(hw, model, str(text)), False
        except NotFoundError:
            raise error from None


def version_of(hw: Headwater, model: EntityLike, selector: str | int) -> ModelVersion:
    """The version that is meant; what a run was making that is gone, is not ``pending`` any more.

    Raises:
        NotFoundError: There is none.
    """
    while True:
        found = settled(hw, hw.model_version(model, selector))
        if found is not None:
            return found


def _is_found_only(text: str) -> bool:
    return text.isdigit() or text.lower() in _FOUND_ONLY


def _missing(wanted: Wanted, text: str) -> str:
    return (
        f"model {wanted.fqn!r} has no version {text!r}: a stage, an alias or a number names a"
        " version that is there. `headwater model version list` shows those"
    )
