"""Entities as they were read: parsing answers, and what later changes are told against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from headwater.document import Document
from headwater.errors import ClientError
from headwater.sdk.own_kind import OwnEntity

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

    Fields that this release does not know, from a newer server, are left out; an organisation's
    own kinds keep them.

    Raises:
        ClientError: The answer is no such entity.
    """
    unknown: Literal["ignore"] | None = None if issubclass(cls, OwnEntity) else "ignore"
    try:
        entity = cls.model_validate(raw, extra=unknown)
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
