"""Where a version's files may be said to lie: no path of this machine, no way out of a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from headwater.api.dialects.mlflow.error import MlflowError, invalid

PLACEHOLDERS = frozenset({"dummy-source", "prompt-template"})
"""What MLflow's prompts, which have no files, give as their source."""
MAX_SOURCE = 2048
_MODEL = re.compile(r"models:/+([^/@]+)(?:/([0-9]+)|@([^/]+)|/([A-Za-z]+))")

_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
_LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})(?:/.*)?")


@dataclass(frozen=True, slots=True)
class ModelUri:
    """A version that a ``models:/`` URI names, by one of the three."""

    name: str
    version: str | None
    alias: str | None
    stage: str | None


def check_source(
    source: str, *, run_id: str = "", model_id: str = "", folders: Sequence[str] = ()
) -> None:
    """Check the source of a version as MLflow checks it.

    Args:
        run_id: The run that is said to have made it; ``model_id``: and the logged model.
        folders: Where the artifacts of these lie, as far as that is known.

    Raises:
        MlflowError: It is a path of a machine, climbs out of its folder, has no path, or is
            another run's or model's.
    """
    if len(source) > MAX_SOURCE:
        raise invalid(f"A model version's source has at most {MAX_SOURCE} characters.")
    within = any(_is_within(source, folder) for folder in folders)
    if is_local(source) and not within:
        raise _refused(
            source, "a local path must lie in the artifacts of the run that run_id names"
        )
    plain = source
    while (unquoted := unquote_plus(plain)) != plain:
        plain = unquoted
    path = _split(plain).path
    if "\x00" in plain or ".." in re.split(r"[/\\]", plain) or "." in path.split("/"):
        raise _refused(source, "an absolute address without '..' or '.' is needed")
    if not path.startswith("/") or not path.strip("/"):
        raise _refused(source, "an address with a path is needed, such as s3://bucket/model")
    _check_origin(source, run_id, model_id)
    if is_artifact(source) and folders and not within:
        raise _refused(source, "run_id or model_id must be what has it among its artifacts")


def _check_origin(source: str, run_id: str, model_id: str) -> None:
    parts = _split(source)
    if parts.scheme in ("runs", "models") and parts.netloc:
        raise _refused(source, f"{parts.scheme}: is followed by one slash")
    if run_id and (run_of(source) or run_id) != run_id:
        raise _refused(source, "run_id must be the run that it names")
    if model_id and (logged_model_of(source) or model_id) != model_id:
        raise _refused(source, "model_id must be the logged model that it names")


def run_of(source: str) -> str | None:
    """Return the run that a ``runs:/`` source names; None for any other."""
    parts = _split(source)
    return parts.path.strip("/").split("/")[0] if parts.scheme == "runs" else None


def model_uri(source: str) -> ModelUri | None:
    """Return the version that a ``models:/`` URI names; None for any other source.

    Raises:
        MlflowError: It is such a URI, and names no version.
    """
    if not source.startswith("models:"):
        return None
    found = _MODEL.fullmatch(source)
    if found is None:
        if logged_model_of(source):
            return None
        raise _refused(source, "it is no models:/name/version and no models:/name@alias")
    return ModelUri(found[1], found[2], found[3], found[4])


def logged_model_of(source: str) -> str | None:
    """The id of the logged model of MLflow 3 that a source names; the tracking server has it."""
    found = _LOGGED.fullmatch(source)
    return found[1] if found else None


def is_local(source: str) -> bool:
    """Whether a source is a path of some machine."""
    scheme = _split(source).scheme
    return scheme in ("", "file") or len(scheme) == 1  # of one letter: a drive


def is_artifact(source: str) -> bool:
    """Whether a source is what a tracking server keeps, and answers for, itself."""
    parts = _split(source)
    is_http = parts.scheme in ("http", "https")
    return parts.scheme == "mlflow-artifacts" or (is_http and _ARTIFACTS in f"{parts.path}/")


def _is_within(source: str, folder: str) -> bool:
    inner, outer = _place(source), _place(folder)
    return inner[: len(outer)] == outer


def _place(uri: str) -> list[str]:
    parts = _split(uri)
    scheme = "" if parts.scheme == "file" else parts.scheme
    return [scheme, parts.netloc, *unquote(parts.path).rstrip("/").split("/")]


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:
        raise _refused(uri, "it is no address") from None


def _refused(source: str, why: str) -> MlflowError:
    return invalid(f"Invalid model version source: {source[:300]!r}: {why}.")
