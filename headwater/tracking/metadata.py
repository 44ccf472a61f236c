"""Metadata: values that are logged on versions of models and artifacts, runs and steps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater import names
from headwater.errors import InvalidInputError
from headwater.sdk import Headwater
from headwater.sdk.address import EntityLike
from headwater.tracking.plain import plain

TYPE = "metadata"
STEP_TYPE = "stepMetadata"


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """A logged value.

    Attributes:
        at: When it was logged, in milliseconds since the epoch.
        run: Id of the run that logged it, if one did.
        step: Name of that run's step.
    """

    value: Any
    at: int
    run: str | None = None
    step: str | None = None


def read_metadata(hw: Headwater, entity: EntityLike, kind: str) -> dict[str, MetadataValue]:
    """The newest value of each name that was logged on an entity, by name."""
    found = hw.records(entity, TYPE, kind=kind, latest=True)
    values = {str(each.get("key", "")): _value(each) for each in found}
    return dict(sorted(values.items()))


def read_step_metadata(hw: Headwater, run: EntityLike, step: str) -> dict[str, MetadataValue]:
    """The newest value of each name that was logged on a step of a run, by name."""
    found: dict[str, MetadataValue] = {}
    for each in hw.records(run, STEP_TYPE, kind="pipelineRun", latest=True):
        of, name = names.split(each["key"])
        if of == step:
            found[name] = _value(each)
    return dict(sorted(found.items()))


def metadata_records(
    entity: str,
    metadata: Any,
    *,
    about: Mapping[str, str],
    step: str | None = None,
) -> list[dict[str, Any]]:
    """The records that metadata becomes.

    Args:
        entity: What it is logged on, as ``kind:id``.
        metadata: Values by name.
        about: ``run`` and ``step`` that log it.
        step: The step that it is logged on, of a run.

    Raises:
        InvalidInputError: A name cannot be one, or JSON cannot hold a value; the message has its
            path and type.
    """
    if not isinstance(metadata, Mapping):
        kind = type(metadata).__name__
        raise InvalidInputError(f"metadata is a mapping of names to values, not a {kind}")
    for name in metadata:
        if not isinstance(name, str) or not name.strip() or names.REFUSED.search(name):
            raise InvalidInputError(f"{name!r} cannot be the name of metadata: it is visible text")
    now = int(time.time() * 1000)
    return [
        {
            "entity": entity,
            "type": TYPE if step is None else STEP_TYPE,
            "key": name if step is None else names.join(step, name),
            "at": now,  # which may be long before it is sent
            "data": {"value": plain(value, name), **about},
        }
        for name, value in metadata.items()
    ]


def _value(record: Mapping[str, Any]) -> MetadataValue:
    data = record["data"]
    return MetadataValue(data["value"], record["at"], data.get("run"), data.get("step"))
