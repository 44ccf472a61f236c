"""``register_model_step``: a built-in step that registers what an earlier step trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import InvalidInputError
from headwater.tracking.connection import current
from headwater.tracking.context import find_step
from headwater.tracking.model import Model
from headwater.tracking.step import step


@step
def register_model_step(
    model: Any,
    name: str,
    version: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    model_source_uri: str | None = None,
) -> None:
    """Register a trained model as a version of a model, in a pipeline.

    The version has the model's artifact, the run, and, of an estimator, what it says of itself.

    Args:
        model: What an earlier step returned.
        name: Of the model that it becomes a version of.
        version: The version's name; the next number unless given.
        description: Of the version.
        metadata: Values that are logged on it.
        model_source_uri: Where the model lies; its artifact unless given.

    Raises:
        InvalidInputError: It is called outside of a pipeline.
    """
    at_work = find_step()
    if at_work is None:
        raise InvalidInputError("register_model_step registers what a pipeline made: call it there")
    handle = at_work.run.values.find(model)
    wanted = Model(name, version)
    registered = at_work.run.bind(wanted)
    found = registered.entity
    uri = model_source_uri or (handle.uri if handle else None)
    found.source_uri = uri or found.source_uri
    found.description = description or found.description
    current().update(found)
    if handle is not None:
        registered.link_artifact(handle)
    at_work.run.trained(registered, model)
    if metadata:
        registered.log_metadata(metadata)
