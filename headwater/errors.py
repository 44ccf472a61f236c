"""The one error tree. No transport here: HTTP status codes live in ``api/errors.py``.

HeadwaterError
├── NotFoundError        nothing has that id, name or version
│   └── EventsGoneError      events behind a reader's cursor are no longer kept
├── ConflictError        the write contradicts what is stored
│   ├── AlreadyExistsError   the name is taken
│   ├── PreconditionError    ``If-Match`` names another version
│   └── StaleWriteError      what the write was built on has changed; read again
├── InvalidInputError    the request itself is wrong; ``errors`` has a JSON pointer for each fault
├── AccessError          the caller may not do this
│   └── NotSignedInError     it takes a token, and none that is valid was given
├── StoreError           the store failed or cannot be reached
├── SourceError          what a connector reads cannot be reached or read
├── NotInstalledError    an extra is missing; the message names it
└── ClientError          the SDK could not reach or understand the server
"""

from __future__ import annotations

from typing import Any, ClassVar


class HeadwaterError(Exception):
    """Base of every error that Headwater raises.

    Attributes:
        code: Stable identifier, the same in Python, on the wire and in the CLI.
        message: What was wrong, where, and what to do.
        details: JSON-able facts beside the message.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFoundError(HeadwaterError):
    """Nothing has that id, name or version."""

    code = "not-found"


class EventsGoneError(NotFoundError):
    """Events behind a reader's cursor are no longer kept; ``details["oldest"]`` is the first."""

    code = "events-gone"


class ConflictError(HeadwaterError):
    """The write contradicts what is stored."""

    code = "conflict"


class AlreadyExistsError(ConflictError):
    """The name is taken by another entity of the kind."""

    code = "already-exists"


class PreconditionError(ConflictError):
    """``If-Match`` names another state than the stored one; ``details["current"]`` has that one."""

    code = "precondition-failed"


class StaleWriteError(ConflictError):
    """What the write was built on has changed since it was read; read again and retry."""

    code = "stale-write"


class InvalidInputError(HeadwaterError):
    """The request is wrong. ``details["errors"]`` lists ``{"pointer", "message"}``."""

    code = "invalid-input"

    @property
    def errors(self) -> list[dict[str, str]]:
        """``{"pointer", "message"}`` for each fault; empty when the whole is at fault."""
        return list(self.details.get("errors") or ())

    @classmethod
    def at(cls, pointer: str, message: str, **details: Any) -> InvalidInputError:
        """One fault at one JSON pointer (RFC 6901)."""
        where = f"{pointer}: " if pointer else ""
        faults = [{"pointer": pointer, "message": message}]
        return cls(where + message, errors=faults, **details)


class AccessError(HeadwaterError):
    """The caller may not do this."""

    code = "access-denied"


class NotSignedInError(AccessError):
    """The server asks for a token, and none was given, or none that is valid now."""

    code = "not-signed-in"


class StoreError(HeadwaterError):
    """The store failed or cannot be reached."""

    code = "store-failed"


class SourceError(HeadwaterError):
    """What a connector reads cannot be reached or read; the message has no secret."""

    code = "source-failed"


class NotInstalledError(HeadwaterError):
    """A package of an optional extra is missing; the message names the extra."""

    code = "not-installed"


class ClientError(HeadwaterError):
    """The SDK could not reach the server, or did not understand its answer."""

    code = "client-failed"
