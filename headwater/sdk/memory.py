"""Entities as they were read: parsing answers, and what later changes are told against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from headwater.document import Document
from headwater.errors import ClientError

E = TypeVar("E", bound=Document)


@dataclass(frozen=True, slots=True)
class Read:
    """What an entity was when it was read.

    Attributes:
        rev: The answer's ``ETag``; None where answers carry none, as in lists.
        document: The wire form of all that this release knows of it.
    """

    rev: str | None
    document: dict[str, Any]


def parse(cls: type[E], raw: Any, *, rev: str | None = None) -> E:
    """Make an entity of an answer, and remember what was read.

    Fields that this release does not know, from a newer server, are left out.

    Raises:
        ClientError: The answer is no such entity.
    """
    try:
        entity = cls.model_validate(raw, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(["", *map(str, first["loc"])])
        raise ClientError(
            f"the server answered a {cls.__name__} that this release of headwater cannot read"
            f" ({where}: {first['msg']}); is the server newer?",
            pointer=where,
        ) from error
    object.__setattr__(entity, "_read", Read(rev, entity.to_wire()))
    return entity


def recall(entity: Document) -> Read | None:
    """Return what was read, or None for a document that did not come from the catalog."""
    found: Read | None = getattr(entity, "_read", None)
    return found
