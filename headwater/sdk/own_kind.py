"""Kinds without generated classes: an organisation's own, and those of a newer server.

Their classes are made of what the server, or the schema files of this process, say of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, create_model

from headwater.document import Document
from headwater.errors import InvalidInputError
from headwater.generated import Domain, EntityReference
from headwater.schemas import Kind, schema_document
from headwater.schemas import kind as kind_named
from headwater.schemas.kind import Field as SchemaField
from headwater.schemas.kind import Shape
from headwater.schemas.registry import kept_with_schemas

if TYPE_CHECKING:
    from headwater.sdk.wire import Wire

_REFERENCE = "common.json#/$defs/EntityReference"
_COMMON = {
    name: field for name, field in Domain.model_fields.items() if name != "domain_type"
}  # what every entity has, of any class: only the last of Domain's own is its own


class OwnEntity(Document):
    """An entity of a kind that has no class of its own here; its values are plain JSON."""

    model_config = ConfigDict(extra="allow")

    _kind: ClassVar[Kind]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...

    else:  # what the schema that was read does not know has both spellings, too

        def __getattr__(self, name: str) -> Any:
            extra = self.__pydantic_extra__ or {}
            return extra[camel(name)] if camel(name) in extra else super().__getattr__(name)

        def __setattr__(self, name: str, value: Any) -> None:
            known = name.startswith("_") or name in type(self).model_fields
            super().__setattr__(name if known else camel(name), value)


@dataclass(frozen=True, eq=False)
class OwnKind(Kind):
    """A kind that only the server knows.

    Attributes:
        document: Its schema, in the enforced form.
    """

    document: dict[str, Any]

    @cached_property
    def entity_class(self) -> type[OwnEntity]:
        """The class of its entities."""
        return _class_of(self, self.document)


def camel(name: str) -> str:
    """The wire's spelling of a name: ``trained_at`` is ``trainedAt``."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def own_class(kind: Kind) -> type[Document]:
    """The class of the entities of a kind that has no generated one."""
    return kind.entity_class if isinstance(kind, OwnKind) else _class_of_file(kind.name)


def learn(wire: Wire, name: str) -> OwnKind:
    """Ask the server for a kind.

    Args:
        wire: To the server.
        name: Of the kind, its collection or its title.

    Raises:
        InvalidInputError: There is no such kind; the message lists those there are.
    """
    listed: list[dict[str, Any]] = wire.send("GET", "/schemas").data["data"]
    about = next(
        (each for each in listed if name in (each["kind"], each["collection"], each["title"])), None
    )
    if about is None:
        known = ", ".join(sorted(each["kind"] for each in listed))
        raise InvalidInputError(f"there is no kind {name!r}; the kinds are {known}", kind=name)
    document = wire.send("GET", f"/schemas/{about['kind']}").data
    above = about.get("parent")
    return OwnKind(
        about["kind"],
        about["collection"],
        about["title"],
        about["description"],
        file="",
        parent=above and SchemaField(above, False, False, None, reference=(above,)),
        shape=Shape(about["title"], dict(_fields(about["title"], document))),
        document=document,
    )


@kept_with_schemas
def _class_of_file(name: str) -> type[OwnEntity]:
    kind = kind_named(name)
    return _class_of(kind, schema_document(kind.file))


def _class_of(kind: Kind, document: Mapping[str, Any]) -> type[OwnEntity]:
    fields: dict[str, Any] = {n: (field.annotation, field) for n, field in _COMMON.items()}
    known = {field.alias or name for name, field in _COMMON.items()}
    for name, prop in document["properties"].items():
        if name in known:
            continue
        python = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
        # Neither required nor of one type: what is stored may be older than the schema.
        fields[python] = (_type(prop), Field(None, alias=name))
    made = create_model(
        kind.title, __base__=OwnEntity, __module__=__name__, __doc__=kind.description, **fields
    )
    made._kind = kind
    return made


def _type(prop: Mapping[str, Any]) -> Any:
    if not _refers(prop):
        return Any
    whole = list[EntityReference] if "items" in prop else EntityReference
    return Annotated[whole | Any, Field(union_mode="left_to_right")]


def _fields(title: str, document: Mapping[str, Any]) -> Iterable[tuple[str, SchemaField]]:
    telling = document["$defs"]["Create" + title]["required"]
    for name, prop in document["properties"].items():
        yield (
            name,
            SchemaField(
                name,
                is_list="items" in prop,
                read_only=prop.get("readOnly", False),
                shape=None,
                reference=("entity",) if _refers(prop) else (),
                searchable=name in telling,  # which fields are, the server does not say
            ),
        )


def _refers(prop: Mapping[str, Any]) -> bool:
    inner = prop.get("items", prop)
    return any(each.get("$ref") == _REFERENCE for each in (inner, *inner.get("anyOf", ())))
