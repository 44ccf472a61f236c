"""What an argument means: which kind, and which entity or part of it. Nothing is sent here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from headwater.document import Document
from headwater.errors import InvalidInputError
from headwater.generated import CREATE_REQUESTS, ENTITIES, EntityReference
from headwater.schemas import Kind, find_kind, kinds
from headwater.schemas.kind import Shape
from headwater.schemas.registry import kept_with_schemas
from headwater.sdk.own_kind import OwnEntity, own_class

KindLike = type[Document] | str
"""An entity's class, or the name of its kind, collection or class."""

EntityLike = Document | str
"""An entity, an ``EntityReference``, an id, an FQN, or the text form ``kind:fqn``."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an entity or part is found: by id, or by FQN; ``kind`` may be left to the server."""

    kind: str | None
    id: str | None = None
    fqn: str | None = None

    def within(self, start: str) -> str:
        """The path below ``start``: by id, or by name."""
        if self.id is not None:
            return f"{start}/{segment(self.id)}"
        return f"{start}/name/{segment(self.fqn or '')}"

    def reference(self) -> dict[str, str]:
        """The reference as it goes on the wire."""
        fields = {"type": self.kind, "id": self.id, "fullyQualifiedName": self.fqn}
        return {name: value for name, value in fields.items() if value is not None}


def segment(text: str) -> str:
    """Percent-encode one path segment, slashes too."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{text!r} is not text: {error.reason}") from error


def kind_of(asked: KindLike) -> Kind:
    """Return the kind of a class or name.

    Args:
        asked: ``MlModel``, ``CreateMlModel``, ``"mlmodel"``, ``"mlmodels"`` or ``"MlModel"``.

    Raises:
        InvalidInputError: There is no such kind; the message lists those there are.
    """
    found = _kind_of_class(asked) if isinstance(asked, type) else find_kind_named(asked)
    if found is None:
        name = asked.__name__ if isinstance(asked, type) else asked
        known = ", ".join(sorted(kinds()))
        raise InvalidInputError(f"there is no kind {name!r}; the kinds are {known}", kind=name)
    return found


def find_kind_named(name: str) -> Kind | None:
    """Return the kind that a kind's, collection's or class's name means, or None."""
    found = kinds().get(name) or find_kind(name)
    return found or next((kind for kind in kinds().values() if kind.title == name), None)


def entity_class(kind: Kind) -> type[Document]:
    """The class of a kind's entities: the generated one, or one made of its schema."""
    return ENTITIES.get(kind.name) or own_class(kind)


def address_of(asked: EntityLike, kind: KindLike | Kind | None = None) -> Address:
    """Return where an argument points.

    Args:
        asked: An entity, a part with an id, a reference, an id, an FQN, or ``kind:fqn``.
        kind: What a bare FQN or id, or a reference without a type, is of.

    Raises:
        InvalidInputError: It points nowhere: no id and no name, or no entity at all.
    """
    given = None if kind is None else node_kind(kind)
    if isinstance(asked, str):
        return _of_text(asked, given)
    if isinstance(asked, EntityReference):
        found = Address(
            asked.type or given, asked.id, None if asked.id else asked.fully_qualified_name
        )
    else:
        found = Address(_node_kind_of(type(asked)), getattr(asked, "id", None))
    if found.id is None and found.fqn is None:
        raise InvalidInputError(
            f"a {type(asked).__name__} without id or fullyQualifiedName points nowhere;"
            " give an entity that was read, a reference, an id or a fully qualified name"
        )
    if given is not None and found.kind != given:
        raise InvalidInputError(f"this is a {found.kind or type(asked).__name__}, not a {given}")
    return found


def node_kind(asked: KindLike | Kind) -> str:
    """The wire name of a kind or of a part's kind (``column``, ``mlFeature``)."""
    if isinstance(asked, Kind):
        return asked.name
    if asked in part_kinds().values():
        return str(asked)
    if isinstance(asked, type) and asked.__name__ in part_kinds():
        return part_kinds()[asked.__name__]
    return kind_of(asked).name


@kept_with_schemas
def part_kinds() -> dict[str, str]:
    """The wire names of parts, by the name of their class."""
    found: dict[str, str] = {}
    seen: set[int] = set()

    def look(shape: Shape) -> None:
        if id(shape) in seen:
            return
        seen.add(id(shape))
        for field in shape.fields.values():
            if field.part and field.shape:
                found[field.shape.title] = field.part
            if field.shape:
                look(field.shape)

    for kind in kinds().values():
        look(kind.shape)
    return found


def is_id(text: Any) -> bool:
    """Whether the text is a UUID, and therefore an id wherever an id or a name may stand."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def _of_text(text: str, given: str | None) -> Address:
    head, colon, rest = text.partition(":")
    named = given if head == given else _spelled_kind(head)
    if colon and rest and named is not None and given in (None, named):
        text, given = rest, named
    if not text:
        raise InvalidInputError("an empty text names no entity")
    return Address(given, text) if is_id(text) else Address(given, None, text)


def _spelled_kind(name: str) -> str | None:
    if name in part_kinds().values():
        return name
    kind = find_kind_named(name)
    return kind.name if kind else None


def _node_kind_of(cls: type[Document]) -> str | None:
    kind = _kind_of_class(cls)
    return kind.name if kind else part_kinds().get(cls.__name__)


def _kind_of_class(cls: type[Any]) -> Kind | None:
    if issubclass(cls, OwnEntity):
        return cls._kind
    for name, known in [*ENTITIES.items(), *CREATE_REQUESTS.items()]:
        if issubclass(cls, known):
            return kinds()[name]
    return None
