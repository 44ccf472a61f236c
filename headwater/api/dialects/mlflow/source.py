"""Where a version's files may be said to lie: no path of this machine, no way out of a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_plus, urlsplit

from headwater.api.dialects.mlflow.error import MlflowError, invalid

PLACEHOLDERS = frozenset({"dummy-source", "prompt-template"})
"""What MLflow's prompts, which have no files, give as their source."""
MAX_SOURCE = 2048
_MODEL = re.compile(r"models:/+([^/@]+)(?:/([0-9]+)|@([^/]+)|/([A-Za-z]+))")

_LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})(?:/.*)?")


@dataclass(frozen=True, slots=True)
class ModelUri:
    """A version that a ``models:/`` URI names, by one of the three."""

    name: str
    version: str | None
    alias: str | None
    stage: str | None


def check_source(source: str, run_id: str, *, folder: str | None = None) -> None:
    """Check the source of a version as MLflow checks it.

    Args:
        folder: Where the artifacts of the run lie, if that is known.

    Raises:
        MlflowError: It is a path of a machine, climbs out of its folder, or is another run's.
    """
    if len(source) > MAX_SOURCE:
        raise invalid(f"A model version's source has at most {MAX_SOURCE} characters.")
    if is_local(source) and not (folder and is_local(folder) and _is_within(source, folder)):
        raise _refused(
            source, "a local path must lie in the artifacts of the run that run_id names"
        )
    plain = source
    while (unquoted := unquote_plus(plain)) != plain:
        plain = unquoted
    if "\x00" in plain or ".." in re.split(r"[/\\]", plain) or "." in _split(plain).path.split("/"):
        raise _refused(source, "an absolute address without '..' or '.' is needed")
    if run_id and (named := run_of(source)) and named != run_id:
        raise _refused(source, "run_id must be the run that it names")


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


def _is_within(source: str, folder: str) -> bool:
    return f"{_split(source).path}/".startswith(f"{_split(folder).path.rstrip('/')}/")


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:
        raise _refused(uri, "it is no address") from None


def _refused(source: str, why: str) -> MlflowError:
    return invalid(f"Invalid model version source: {source[:300]!r}: {why}.")
