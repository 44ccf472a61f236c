"""What completed steps made, kept by what decided it: an equal step takes that and does not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import HeadwaterError
from headwater.generated import ArtifactVersion
from headwater.sdk import Headwater
from headwater.tracking.artifact import ArtifactHandle

CACHE = "stepCache"
"""Type of the records of a pipeline that tell what its steps made; the key is the cache key."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a completed step did.

    Attributes:
        outputs: What it made, by name.
        reads: What it read, as ``Read.to_wire`` tells it.
        logged: What it logged on its model's version, by name.
    """

    outputs: dict[str, ArtifactHandle]
    reads: Sequence[Mapping[str, Any]]
    logged: Mapping[str, Any]


def cache_record(pipeline: str, key: str, outputs: Mapping[str, ArtifactHandle]) -> dict[str, Any]:
    """The record of what a completed step made."""
    made = [{"name": n, "version": each.fully_qualified_name} for n, each in outputs.items()]
    return {"entity": f"pipeline:{pipeline}", "type": CACHE, "key": key, "data": {"outputs": made}}


def find_cached(hw: Headwater, pipeline: str, key: str) -> Known | None:
    """What a completed step of a key did; None where none did.

    Whatever stands in the way of knowing, or something of it that is gone, means that the step
    runs.
    """
    try:
        for record in hw.records(pipeline, CACHE, kind="pipeline", key=key, limit=1):
            data = record["data"]
            made = {
                each["name"]: ArtifactHandle(hw.get(ArtifactVersion, each["version"]))
                for each in data["outputs"]
            }
            return Known(made, data.get("reads", ()), data.get("logged", {}))
    except HeadwaterError:
        return None
    return None
