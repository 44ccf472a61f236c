"""What a run tells the catalog; once that cannot be reached, it is kept in a file to send later."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from headwater.errors import (
    AccessError,
    ClientError,
    ConflictError,
    HeadwaterError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
    StoreError,
)
from headwater.generated import ArtifactVersion, EntityReference, ModelVersion
from headwater.sdk import Headwater
from headwater.tracking.deleted_version import DeletedVersions

FOLDER = Path(".headwater") / "journal"
"""Where journals are kept, beside the artifacts of a run that says nothing else."""

Message = Mapping[str, Any]
"""``{"put": kind, "requests"}``, ``{"records"}``, ``{"link": artifact version, "to"}``, or
``{"delete": version of a model, "else"}``: the second, a message, where the first is refused."""

AWAY = (ClientError, StoreError, AccessError)
"""What tells that the catalog is away, or no longer lets the run in."""
_TRIES = 5
_MESSAGES = ({"put", "requests"}, {"records"}, {"link", "to"}, {"delete", "else"})


class Outbox:
    """Sends messages in their order.

    The first that the catalog does not take for want of a server, and all that follow, go to the
    journal: what is sent of them later is complete and in order.
    """

    def __init__(self, hw: Headwater, journal: Path | None = None) -> None:
        """Make it; the journal is a file only once there is something in it.

        Args:
            hw: The catalog.
            journal: Path of the file; None: what cannot be sent is an error.
        """
        self._hw = hw
        self._journal = journal and journal.absolute()  # a later chdir changes nothing
        self._lost: HeadwaterError | None = None
        self._deleted = DeletedVersions(hw)
        self._lock = Lock()  # a run's own thread sends, too

    @property
    def is_cut_off(self) -> bool:
        """Whether messages are kept in the journal."""
        return self._lost is not None

    def is_deleted(self, model_version: str) -> bool:
        """Whether a version of a model, by id, is known to be deleted; a warning tells so."""
        try:
            return not self.is_cut_off and self._deleted.has(model_version)
        except AWAY:  # what is sent next tells that
            return False

    def put(self, kind: str, requests: Sequence[Message]) -> list[Any] | None:
        """Create or update entities of a kind, all in one commit; None when that is kept for later.

        Raises:
            InvalidInputError: One is refused.
        """
        found: list[Any] | None = self._send({"put": kind, "requests": list(requests)})
        return found

    def records(self, records: Sequence[Message]) -> None:
        """Append records to entities; see ``Headwater.put_records``."""
        if records:
            self._send({"records": list(records)})

    def link(self, artifact_version: str, model_version: str) -> None:
        """Link a version of an artifact to a version of a model."""
        self._send({"link": artifact_version, "to": model_version})

    def delete_version(self, model_version: str, *, otherwise: Message) -> bool:
        """Delete a version of a model, by id.

        Args:
            model_version: Its id.
            otherwise: A message that is sent where it may not be, such as one in production.

        Returns:
            Whether it is deleted, or that is kept for later.
        """
        return self._send({"delete": model_version, "else": otherwise}) is not False

    def close(self) -> None:
        """Send what was kept, if the catalog is back; else tell where it is."""
        if self._lost is None or self._journal is None:
            return
        try:
            send_journal(self._hw, self._journal)
        except AWAY:
            self._warn()
        else:
            self._lost = None

    def _send(self, message: Message) -> Any:
        if self._journal is None:
            return perform(self._hw, message)
        if self._lost is None:
            try:
                return _perform_in_part(self._hw, message, self._deleted)
            except AWAY as error:
                self._cut_off(error)
        with self._lock:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message, ensure_ascii=False) + "\n")
        return None

    def _cut_off(self, error: HeadwaterError) -> None:
        with self._lock:
            is_first, self._lost = self._lost is None, error
        if is_first:
            self._warn()

    def _warn(self) -> None:
        warnings.warn(
            f"the catalog does not answer ({self._lost}). The run goes on, its results are in the"
            f" artifact store, and what it has to record is kept in {self._journal}: `headwater"
            f" resume {self._journal}` records it when the catalog is back",
            stacklevel=2,
        )


def send_journal(hw: Headwater, journal: str | Path) -> int:
    """Send what a run kept while the catalog was away, and delete the file.

    Broken off, it can be sent again: what the catalog has is not written twice.

    Args:
        hw: The catalog.
        journal: Path of the file, which the run's warning named.

    Returns:
        How many messages were sent.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: It is no journal, and nothing is sent; or the catalog refuses a message.
    """
    path = Path(journal)
    if not path.is_file():
        raise NotFoundError(f"there is no journal {str(path)!r}")
    lines = path.read_bytes().split(b"\n")[:-1]  # behind the last end, a torn line
    messages = [_message(line, f"{path}, line {n}") for n, line in enumerate(lines, 1)]
    _restore_versions(hw, messages)
    deleted = DeletedVersions(hw)
    for number, message in enumerate(messages, 1):
        try:
            _perform_in_part(hw, message, deleted)
        except (InvalidInputError, NotFoundError, ValueError, TypeError) as error:
            raise InvalidInputError(
                f"{path}, line {number} is refused, and those before it are recorded: {error}"
            ) from error
    path.unlink()
    return len(messages)


def _restore_versions(hw: Headwater, messages: Sequence[Message]) -> None:
    """Bring back what the run was making, and what was deleted when it seemed to be interrupted."""
    runs = [each for message in messages if message.get("put") == "pipelineRun"
            for each in message["requests"]]  # fmt: skip
    made = {each.get("id"): None for run in runs for each in run.get("outputs", ())
            if each.get("type") == "modelVersion"}  # fmt: skip
    for version in made:
        found = hw.find(ModelVersion, id=version, deleted=True)
        if found is not None and found.deleted and found.status == "pending":
            hw.restore(found)


def _message(line: bytes, where: str) -> Message:
    try:
        found = json.loads(line)
    except ValueError as error:  # of UTF-8, too
        raise InvalidInputError(f"{where} is no message of a run: {error}") from error
    is_known = isinstance(found, dict) and any(need <= set(found) for need in _MESSAGES)
    if not is_known or not all(isinstance(each, dict) for each in found.get("requests", ())):
        raise InvalidInputError(f"{where} is no message of a run; nothing is recorded")
    return dict(found)


def _perform_in_part(hw: Headwater, message: Message, deleted: DeletedVersions) -> Any:
    """Send one message; one that is refused, without what it says of deleted versions."""
    try:
        return perform(hw, message)
    except (InvalidInputError, NotFoundError):
        rest = deleted.left_out(message)
        if rest is None:
            raise
    return perform(hw, rest)


def perform(hw: Headwater, message: Message) -> Any:
    """Send one message.

    Raises:
        InvalidInputError: Something of it is refused.
    """
    if "put" in message:
        result = hw.bulk(message["put"], message["requests"])
        for failure in result.failed:
            what = f"{message['put']} {failure.name or failure.index}"
            raise InvalidInputError(f"{what}: {failure.message}", errors=failure.errors)
        return result.entities
    if "records" in message:
        return hw.put_records(message["records"])
    if "link" in message:
        return _link(hw, message["link"], message["to"])
    return _delete(hw, message["delete"], message["else"])


def _delete(hw: Headwater, model_version: str, otherwise: Message) -> bool:
    """Delete a version of a model, or do otherwise; return whether it is gone."""
    found = hw.find(ModelVersion, id=model_version)
    if found is None:
        return True
    try:
        hw.delete(found)
    except (ConflictError, PreconditionError):  # it was promoted meanwhile
        perform(hw, otherwise)
        return False
    return True


def _link(hw: Headwater, artifact_version: str, model_version: str) -> None:
    """Add a link, whoever else writes the version of the artifact meanwhile."""
    added = EntityReference(id=model_version, type="modelVersion")
    for attempt in range(_TRIES):
        found = hw.get(ArtifactVersion, artifact_version)
        linked = list(found.model_versions or ())
        if any(each.id == model_version for each in linked):
            return
        found.model_versions = [*linked, added]
        try:
            hw.update(found)
        except PreconditionError:
            if attempt == _TRIES - 1:
                raise
        else:
            return
