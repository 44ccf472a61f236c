"""What completed steps made, kept by what decided it: an equal step takes that and does not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, NotFoundError
from headwater.generated import ArtifactVersion
from headwater.sdk import Headwater
from headwater.tracking.artifact import ArtifactHandle
from headwater.tracking.artifact_calls import sought
from headwater.tracking.hash import file_hash
from headwater.tracking.model import Model
from headwater.tracking.step_effect import Question, StepEffects

if TYPE_CHECKING:
    from headwater.tracking.run import Run

CACHE = "stepCache"
"""Type of the records of a pipeline that tell what its steps made; the key is the cache key."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a completed step did.

    Attributes:
        outputs: What it returned, by name.
        saved: What it saved by itself.
        used: What it loaded by itself, as it is now.
        data: What else the record tells, ``StepEffects.to_wire`` among it.
    """

    outputs: Mapping[str, ArtifactHandle]
    saved: Sequence[ArtifactHandle]
    used: Sequence[ArtifactHandle]
    data: Mapping[str, Any]


def cache_record(
    pipeline: str,
    key: str,
    outputs: Mapping[str, ArtifactHandle],
    saved: Sequence[ArtifactHandle],
    effects: StepEffects,
) -> dict[str, Any]:
    """The record of what a completed step did."""
    data = {
        "outputs": [{"name": name, **_told(each)} for name, each in outputs.items()],
        "saved": list(map(_told, saved)),
        **effects.to_wire(),
    }
    return {"entity": f"pipeline:{pipeline}", "type": CACHE, "key": key, "data": data}


def find_cached(run: Run, key: str, model: Model | None, *, is_own_word: bool) -> Known | None:
    """What a completed step of a key did; None where none did, or would not do so again.

    Whatever stands in the way of knowing, or something of it that is gone, means that the step
    runs.

    Args:
        run: The run.
        key: The cache key.
        model: The version of a model that the step is configured with.
        is_own_word: Whether the step itself says that it is cached, whatever it does.
    """
    try:
        for record in run.hw.records(run.pipeline_fqn, CACHE, kind="pipeline", key=key, limit=1):
            data = record["data"]
            if data["opaque"] and not is_own_word:
                return None
            if model is None and (data["logged"] or data["linked"]):  # on what would it?
                return None
            found = [_found(run, each["question"], model) for each in data["looked"]]
            if any(new[0] != old["found"] for new, old in zip(found, data["looked"], strict=True)):
                return None
            read = zip(found, data["looked"], strict=True)
            return Known(
                {each["name"]: _handle(run.hw, each) for each in data["outputs"]},
                [_handle(run.hw, each) for each in data["saved"]],
                [handle for (_, handle), old in read if handle is not None and old["isUsed"]],
                data,
            )
    except HeadwaterError:
        return None
    return None


def content_of(handle: ArtifactHandle) -> str:
    """What the content of an artifact is known by: its type and hash, else which version it is."""
    return f"{handle.data_type} {handle.hash or handle.fqn}"


def _told(handle: ArtifactHandle) -> dict[str, Any]:
    return {"version": handle.fqn, "content": content_of(handle)}


def _handle(hw: Headwater, told: Mapping[str, Any]) -> ArtifactHandle:
    handle = ArtifactHandle(hw.get(ArtifactVersion, told["version"]))
    if content_of(handle) != told["content"]:
        raise NotFoundError(f"{told['version']} was written anew")
    return handle


def _found(
    run: Run, question: Question, model: Model | None
) -> tuple[str | None, ArtifactHandle | None]:
    """The hash of what a question finds now, and, of an artifact, the version."""
    if "file" in question:
        return file_hash(question["file"]), None
    try:
        handle = _sought(run, question, model)
    except NotFoundError:
        return None, None
    return content_of(handle), handle


def _sought(run: Run, question: Question, model: Model | None) -> ArtifactHandle:
    if "model" not in question:
        return sought(question["artifact"], question["version"])
    wanted = (question["model"], question["modelVersion"])
    own = (each for each in (model, run.model) if each is not None)
    of = next((each for each in own if (each.wanted.fqn, each.wanted.version) == wanted), None)
    if of is None and question["modelVersion"] is None:
        raise HeadwaterError("a version that is made when it is asked for")
    of = of or Model(question["model"], question["modelVersion"], create_new_model_version=False)
    return of.artifact_of(question["artifact"], question["version"], question["type"])
