"""Versions of models that are deleted while a run has something to say of them.

Nothing is lost by that: what the run makes is kept without its link to such a version, and a
warning tells so.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.generated import ModelVersion
from headwater.sdk import Headwater

_RECORDS_OF = "modelVersion:"


class DeletedVersions:
    """Tells, once of each, which versions of models are deleted."""

    def __init__(self, hw: Headwater) -> None:
        """Make it for what is sent to a catalog."""
        self._hw = hw
        self._told: set[str] = set()

    def has(self, version: str) -> bool:
        """Whether a version, by id, is deleted; the first time that it is, a warning tells so."""
        found = self._hw.find(ModelVersion, id=version, deleted=True)
        if found is not None and not found.deleted:
            return False
        if version not in self._told:
            self._told.add(version)
            warnings.warn(_warning(version, found), stacklevel=2)
        return True

    def left_out(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """A message that was refused, without what it says of versions that are deleted.

        Returns:
            None when it says nothing of such: it was refused for another reason.
        """
        gone = {each for each in set(_mentioned(message)) if self.has(each)}
        if not gone:
            return None
        if "put" in message:
            return {**message, "requests": [_unlinked(each, gone) for each in message["requests"]]}
        kept = [each for each in message.get("records", ()) if _about(each) not in gone]
        return {"records": kept}


def _mentioned(message: Mapping[str, Any]) -> Iterator[str]:
    """Ids of the versions of models that a message links something to, or logs on."""
    if "link" in message:
        yield message["to"]
    linked = (each for request in message.get("requests", ()) for each in _linked(request))
    yield from filter(None, (each.get("id") for each in linked))
    yield from filter(None, map(_about, message.get("records", ())))


def _linked(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """References to the versions of models that a request links something to."""
    found: Sequence[Mapping[str, Any]] = request.get("modelVersions") or ()
    return found


def _about(record: Mapping[str, Any]) -> str | None:
    """The id of the version of a model that a record is of, if it is of one."""
    entity = str(record.get("entity"))
    return entity.removeprefix(_RECORDS_OF) if entity.startswith(_RECORDS_OF) else None


def _unlinked(request: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    kept = [each for each in _linked(request) if each.get("id") not in gone]
    return {**request, "modelVersions": kept} if "modelVersions" in request else dict(request)


def _warning(version: str, found: ModelVersion | None) -> str:
    kept = "what the run makes is kept, and is not linked to it"
    if found is None:
        return f"the version {version} of a model was deleted for good, and {kept}"
    fqn = str(found.fully_qualified_name)
    return (
        f"the version {fqn} was deleted, and {kept}; `headwater restore modelVersion"
        f" {shlex.quote(fqn)}` brings it back, and its `link_artifact` links what is to be its own"
    )
