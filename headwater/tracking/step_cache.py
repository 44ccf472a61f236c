"""What completed steps made, kept by what decided it: an equal step takes that and does not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import HeadwaterError
from headwater.generated import ArtifactVersion
from headwater.sdk import Headwater
from headwater.tracking.artifact import ArtifactHandle

CACHE = "stepCache"
"""Type of the records of a pipeline that tell what its steps made; the key is the cache key."""


def cache_record(
    pipeline: str, key: str, run: str, step: str, outputs: Mapping[str, ArtifactHandle], reads: Any
) -> dict[str, Any]:
    """The record of what a completed step made."""
    made = [
        {"name": name, "version": handle.fully_qualified_name} for name, handle in outputs.items()
    ]
    data = {"run": run, "step": step, "outputs": made, "reads": reads}
    return {"entity": f"pipeline:{pipeline}", "type": CACHE, "key": key, "data": data}


def find_cached(
    hw: Headwater, pipeline: str, key: str
) -> tuple[dict[str, ArtifactHandle], Any] | None:
    """What a completed step of a key made, by output, and what it read; None where none did.

    Whatever stands in the way of knowing, or something of it that is gone, means that the step
    runs.
    """
    try:
        records = hw.records(pipeline, CACHE, kind="pipeline", key=key, limit=1)
        for record in records:
            data = record["data"]
            made = {
                each["name"]: ArtifactHandle(hw.get(ArtifactVersion, each["version"]))
                for each in data["outputs"]
            }
            return made, data.get("reads")
    except HeadwaterError:
        return None
    return None
