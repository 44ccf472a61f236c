"""What MLflow admits as the name of a model, an alias, a tag, a version or a stage."""

from __future__ import annotations

import posixpath
import re

from headwater.api.dialects.mlflow.argument import Tags
from headwater.api.dialects.mlflow.error import invalid
from headwater.settings import MLFLOW_ALIAS, RESERVED_ALIAS

STAGES = {"none": "None", "staging": "Staging", "production": "Production", "archived": "Archived"}
"""MLflow's spelling of the stages by ours."""
ACTIVE = ("staging", "production")
"""Stages of which a transition can archive the versions that are there."""
MAX_KEY = 250
MAX_VALUE = 100_000
_KEY = re.compile(r"[/\w.\- :]+")


def check_model_name(name: str, parameter: str = "name") -> str:
    """Return the name of a model that can be made.

    Raises:
        MlflowError: MLflow has no such names.
    """
    if not name.strip():
        raise invalid(f"Missing value for required parameter {parameter!r}.")
    if "/" in name or ":" in name:
        raise invalid(f"Invalid model name {name!r}: it cannot hold '/' or ':'.")
    if _is_another_path(name):
        raise invalid(f"Invalid model name {name!r}: as a path it would mean another.")
    return name


def check_alias(alias: str, *, is_new: bool = True) -> str:
    """Return a name that an alias can have; of those that MLflow reserves there is never one.

    Raises:
        MlflowError: MLflow has no such aliases; or reserves it, and it is to be given.
    """
    if not MLFLOW_ALIAS.fullmatch(alias):
        raise invalid(
            f"Invalid alias name {alias!r}: up to 255 letters, digits, underscores and dashes."
        )
    if is_new and RESERVED_ALIAS.fullmatch(alias):
        raise invalid(f"The alias name {alias!r} is reserved.")
    return alias


def check_tags(tags: Tags) -> Tags:
    """Return tags that can be set.

    Raises:
        MlflowError: A key or a value cannot be one.
    """
    for key, value in tags.items():
        check_key(key)
        if len(value) > MAX_VALUE:
            raise invalid(f"The value of tag {key!r} is longer than {MAX_VALUE} characters.")
    return tags


def check_key(key: str) -> str:
    """Return the key of a tag.

    Raises:
        MlflowError: It cannot be one.
    """
    if len(key) > MAX_KEY or not _KEY.fullmatch(key) or _is_another_path(key):
        raise invalid(
            f"Invalid tag key {key[:300]!r}: up to {MAX_KEY} letters, digits, underscores, dashes,"
            " periods, spaces, colons and slashes, and no path that means another."
        )
    return key


def check_version(version: str) -> int:
    """Return the number of a version.

    Raises:
        MlflowError: It is none.
    """
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", version):
        raise invalid(f"Parameter 'version' must be an integer, got {version[:40]!r}.")
    return int(version)


def check_stage(stage: str) -> str:
    """Return our name of a stage.

    Raises:
        MlflowError: It is none of MLflow's.
    """
    if stage.lower() not in STAGES:
        raise invalid(
            f"Invalid Model Version stage: {stage[:80]}. Value must be one of"
            f" {', '.join(STAGES.values())}."
        )
    return stage.lower()


def _is_another_path(name: str) -> bool:
    """Whether a name would mean another one where names are files."""
    plain = posixpath.normpath(name)
    return plain != name or plain == "." or plain.startswith(("..", "/"))
