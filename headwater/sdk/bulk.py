"""Many create-or-update requests in few exchanges: cutting them into chunks, adding up answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from headwater.document import Document
from headwater.errors import InvalidInputError

E = TypeVar("E", bound=Document)

Numbered = tuple[int, bytes]
"""A request as JSON, with its place among the requests, from 0."""

MOST_ITEMS = 500
MOST_PREVIEWED = 2_500  # they are told against each other, and answered within the usual timeout
MOST_BYTES = 8_000_000  # the server takes 10 MB


@dataclass(frozen=True, slots=True)
class BulkFailure:
    """One request that was refused.

    Attributes:
        index: Its place among the requests, from 0.
        errors: ``{"pointer", "message"}`` for each fault, where the request is at fault.
    """

    index: int
    name: str | None
    code: str
    message: str
    errors: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, index: int, error: InvalidInputError) -> BulkFailure:
        """The failure of a request that was refused by itself, before the catalog saw it."""
        code = str(error.details.get("code", error.code))
        return cls(index, None, code, error.message, error.errors)


@dataclass(slots=True)
class BulkResult(Generic[E]):
    """What became of the requests. Those that were not refused are written.

    Attributes:
        entities: The entities as they are now, in the order of the requests.
        actions: What became of each of them: ``created``, ``updated`` or ``unchanged``.
    """

    entities: list[E] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    failed: list[BulkFailure] = field(default_factory=list)

    @property
    def created(self) -> int:
        """How many were created."""
        return self.actions.count("created")

    @property
    def updated(self) -> int:
        """How many were changed."""
        return self.actions.count("updated")

    @property
    def unchanged(self) -> int:
        """How many were as the request says."""
        return self.actions.count("unchanged")

    def add(self, answer: dict[str, Any], entities: list[E], numbers: Sequence[int]) -> None:
        """Add the answer for a chunk of the requests with these places."""
        self.entities += entities
        self.actions += answer["actions"]
        for each in answer["failed"]:
            self.failed.append(
                BulkFailure(
                    numbers[each["index"]],
                    each.get("name"),
                    each["code"],
                    each["message"],
                    each.get("errors") or [],
                )
            )


def chunks(requests: Iterable[Numbered], most: int = MOST_ITEMS) -> Iterator[list[Numbered]]:
    """Cut requests into lists that one exchange takes. One too large goes alone."""
    chunk: list[Numbered] = []
    size = 0
    for number, body in requests:
        if chunk and (len(chunk) == most or size + len(body) > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((number, body))
        size += len(body) + 1
    if chunk:
        yield chunk
