"""The calls that read and write entities and their versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict, TypeVar, Unpack, overload

from headwater.document import Document
from headwater.errors import InvalidInputError, NotFoundError, PreconditionError
from headwater.generated import CREATE_REQUESTS, EntityReference
from headwater.schemas import Kind
from headwater.sdk.address import (
    Address,
    EntityLike,
    KindLike,
    address_of,
    entity_class,
    kind_of,
)
from headwater.sdk.bulk import BulkFailure, BulkResult, Numbered, chunks
from headwater.sdk.json_text import to_json
from headwater.sdk.memory import Read, parse, recall
from headwater.sdk.patch import json_patch
from headwater.sdk.session import Session, entity_of

E = TypeVar("E", bound=Document)
E_co = TypeVar("E_co", bound=Document, covariant=True)
Include = Literal["non-deleted", "all", "deleted"]
Named = EntityReference | str
Values = str | Sequence[str]


class ListOptions(TypedDict, total=False):
    """Which entities a list shows, and how many.

    Of each filter that is given, one value must hold; what is deleted has none of them.

    Attributes:
        limit: The most to return; None for all.
        parent: Only the children of this entity.
        include: Whether soft-deleted ones are shown.
        service: Only below these services, at any depth.
        owner: Only what these users or teams own; ``team:data`` is no user of that name.
        tag: Only what has these tags, or parts that have them.
        stage: Only model versions in these stages, and models that have such.
    """

    limit: int | None
    parent: EntityLike | None
    include: Include
    service: Values | None
    owner: Values | None
    tag: Values | None
    stage: Values | None


class CreateRequest(Protocol[E_co]):
    """A generated create request, such as ``CreateMlModel``, of the entity that it makes."""

    @classmethod
    def entity_class(cls) -> type[E_co]:
        """The class of the entity."""
        ...

    def to_wire(self) -> dict[str, Any]:
        """The JSON form."""
        ...


class EntityCalls(Session):
    """Reading and writing entities; see ``Headwater``."""

    @overload
    def create(self, request: CreateRequest[E], *, replace_deleted: bool = False) -> E: ...
    @overload
    def create(
        self, request: Mapping[str, Any], *, kind: type[E], replace_deleted: bool = False
    ) -> E: ...
    @overload
    def create(
        self, request: Mapping[str, Any], *, kind: str, replace_deleted: bool = False
    ) -> Any: ...
    def create(
        self, request: Any, *, kind: KindLike | None = None, replace_deleted: bool = False
    ) -> Document:
        """Create an entity and return it.

        Args:
            request: A create request, or its wire form together with ``kind``.
            kind: Of a request in wire form.
            replace_deleted: A soft-deleted entity of the name makes room: it is renamed, with what
                lies below it, and can be restored. Stages, versions called by their number and
                built-in services keep their names.

        Raises:
            AlreadyExistsError: The name is taken, if only by a soft-deleted entity.
            InvalidInputError: The request is wrong; ``errors`` has a pointer for each fault.
        """
        params = {"replaceDeleted": "true"} if replace_deleted else None
        return self._write("POST", request, kind, params)

    @overload
    def create_or_update(self, request: CreateRequest[E]) -> E: ...
    @overload
    def create_or_update(self, request: Mapping[str, Any], *, kind: type[E]) -> E: ...
    @overload
    def create_or_update(self, request: Mapping[str, Any], *, kind: str) -> Any: ...
    def create_or_update(self, request: Any, *, kind: KindLike | None = None) -> Document:
        """Create the entity, or bring the one of that name to what the request says.

        Fields that the request leaves out stay as they are. A request that changes nothing makes
        no version.

        Args:
            request: See ``create``.
            kind: See ``create``.

        Raises:
            InvalidInputError: The request is wrong; ``errors`` has a pointer for each fault.
        """
        return self._write("PUT", request, kind)

    @overload
    def get(
        self,
        kind: type[E],
        entity: EntityLike | None = None,
        *,
        id: str | None = None,
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> E: ...
    @overload
    def get(
        self,
        kind: str,
        entity: EntityLike | None = None,
        *,
        id: str | None = None,
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> Any: ...
    def get(
        self,
        kind: KindLike,
        entity: EntityLike | None = None,
        *,
        id: str | None = None,  # the field's own name, as people will type it
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> Document:
        """Return one entity.

        Args:
            kind: Of the entity.
            entity: Which one; usually its fully qualified name.
            id: Which one, by id.
            deleted: Return it even when it is soft-deleted.
            as_of: The state at a time (ISO 8601) or at a sequence number.

        Raises:
            NotFoundError: There is none; ``details["candidates"]`` lists those whose name ends so.
        """
        return self._fetch(self._one_of(entity, id, kind), deleted=deleted, as_of=as_of)

    @overload
    def find(
        self,
        kind: type[E],
        entity: EntityLike | None = None,
        *,
        id: str | None = None,
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> E | None: ...
    @overload
    def find(
        self,
        kind: str,
        entity: EntityLike | None = None,
        *,
        id: str | None = None,
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> Any: ...
    def find(
        self,
        kind: KindLike,
        entity: EntityLike | None = None,
        *,
        id: str | None = None,  # as in get
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> Document | None:
        """Return one entity as ``get`` does, or None when there is none."""
        address = self._one_of(entity, id, kind)
        try:
            return self._fetch(address, deleted=deleted, as_of=as_of, suggest=False)
        except NotFoundError:
            return None

    def resolve(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> Any:
        """Return the entity that a text or reference means, whatever its kind.

        Args:
            entity: ``kind:fqn``, or an FQN or id that one kind alone has.
            kind: Of a bare name or id.
            deleted: Return it even when it is soft-deleted.
            as_of: See ``get``.

        Raises:
            NotFoundError: There is none.
            ConflictError: Several kinds have it; ``details["candidates"]`` lists them.
        """
        address, _ = self._located(entity, kind, deleted=deleted)
        return self._fetch(address, deleted=deleted, as_of=as_of)

    @overload
    def list(self, kind: type[E], **options: Unpack[ListOptions]) -> Iterator[E]: ...
    @overload
    def list(self, kind: str, **options: Unpack[ListOptions]) -> Iterator[Any]: ...
    def list(self, kind: KindLike, **options: Unpack[ListOptions]) -> Iterator[Document]:
        """Iterate over entities in the order of their FQN, page by page.

        Args:
            kind: Of the entities.
            options: ``limit``, ``parent``, ``include``, and the filters ``service``, ``owner``,
                ``tag``, ``stage``; see ``ListOptions``.

        Example:
            >>> for version in hw.list(ModelVersion, stage="production", owner="anna"):
            ...     print(version.fully_qualified_name)
        """
        asked = self._kind(kind)
        cls = entity_class(asked)
        return (parse(cls, raw) for raw in self._listed(asked, options))

    def rows(
        self, kind: KindLike, fields: Iterable[str], **options: Unpack[ListOptions]
    ) -> Iterator[dict[str, Any]]:
        """Iterate as ``list`` does over some fields of each entity, as plain dictionaries.

        They have the wire's spelling, and always ``id``, ``name``, ``fullyQualifiedName`` and
        ``version`` beside what is asked for; a field without a value is left out.

        Args:
            kind: Of the entities.
            fields: Names, in either spelling.
            options: See ``list``.

        Example:
            >>> pandas.DataFrame(hw.rows("mlmodel", ["algorithm", "owners"]))
        """
        asked = self._kind(kind)
        return self._listed(asked, options, ",".join(wire_names(asked, fields)) or "name")

    def _listed(
        self, asked: Kind, options: ListOptions, fields: str | None = None
    ) -> Iterator[dict[str, Any]]:
        limit, parent = options.get("limit"), options.get("parent")
        params = {
            **options,
            "parent": None if parent is None else self._fqn(parent, asked.parent_kind),
            "fields": fields,
        }
        return self._pages("/" + asked.collection, params, limit=limit)

    def update(self, entity: E) -> E:
        """Write exactly what was changed on an entity since it was read; return the new state.

        Nothing is sent when nothing was changed.

        Raises:
            InvalidInputError: The entity was not read from the catalog, or a change is wrong.
            PreconditionError: Somebody else wrote it since. ``details["current"]`` is the entity as
                it is now: apply the change to it and update that.
        """
        address, asked, read = self._read_before(entity)
        changes = json_patch(read.document, entity.to_wire(), asked.shape)
        if not changes:
            return entity
        rev = read.rev or self._rev_of(entity, read, address, asked)
        try:
            answer = self._wire.send(
                "PATCH",
                address.within("/" + asked.collection),
                body=changes,
                content_type="application/json-patch+json",
                if_match=rev,
            )
        except PreconditionError as error:
            if isinstance(current := error.details.get("current"), dict):
                now = error.details.get("rev")
                known = None if now is None else str(now)
                error.details["current"] = parse(type(entity), current, rev=known)
            raise
        return entity_of(type(entity), answer)

    @overload
    def delete(
        self,
        entity: Named,
        *,
        kind: KindLike | None = None,
        recursive: bool = False,
        force: bool = False,
    ) -> Any: ...
    @overload
    def delete(self, entity: E, *, recursive: bool = False, force: bool = False) -> E: ...
    def delete(
        self,
        entity: EntityLike,
        *,
        kind: KindLike | None = None,
        recursive: bool = False,
        force: bool = False,
    ) -> Any:
        """Soft-delete an entity, and return it; ``restore`` brings it back.

        Args:
            entity: Which one.
            kind: Of a bare name or id.
            recursive: Delete what is below it too.
            force: Although it is a version in production, or a model that has one.

        Raises:
            ConflictError: Something is below it, and not ``recursive``; or it is in production.
        """
        address, asked = self._located(entity, kind)
        flags = {"recursive": recursive, "force": force}
        params = {name: "true" for name, is_set in flags.items() if is_set}
        answer = self._named("DELETE", address.within("/" + asked.collection), params)
        return entity_of(entity_class(asked), answer)

    @overload
    def restore(self, entity: Named, *, kind: KindLike | None = None) -> Any: ...
    @overload
    def restore(self, entity: E) -> E: ...
    def restore(self, entity: EntityLike, *, kind: KindLike | None = None) -> Any:
        """Bring a soft-deleted entity back, and return it."""
        address, asked = self._located(entity, kind, deleted=True)
        answer = self._wire.send("POST", self._path(address, deleted=True) + "/restore")
        return entity_of(entity_class(asked), answer)

    @overload
    def bulk(
        self, kind: type[CreateRequest[E]], requests: Iterable[CreateRequest[E]]
    ) -> BulkResult[E]: ...
    @overload
    def bulk(
        self, kind: type[E], requests: Iterable[CreateRequest[E] | Mapping[str, Any]]
    ) -> BulkResult[E]: ...
    @overload
    def bulk(
        self, kind: str, requests: Iterable[CreateRequest[Any] | Mapping[str, Any]]
    ) -> BulkResult[Document]: ...
    def bulk(self, kind: Any, requests: Iterable[Any]) -> BulkResult[Any]:
        """Create or update many entities of one kind; those that are refused hold up no other.

        Args:
            kind: Of all of them.
            requests: Create requests, or their wire forms; sent in chunks as they come.
        """
        asked = self._kind(kind)
        result: BulkResult[Any] = BulkResult()
        for chunk in chunks(_written(requests, result)):
            self._send_bulk(asked, chunk, result)
        result.failed.sort(key=lambda failure: failure.index)
        return result

    def _send_bulk(self, asked: Kind, chunk: Sequence[Numbered], result: BulkResult[Any]) -> None:
        """Write a chunk; one that is refused as a whole is halved, until who is at fault is left.

        Limits of the server, such as that of nesting, are limits of the body: one request beyond
        them would take down the others.
        """
        path = f"/{asked.collection}/bulk"
        try:
            body = b"[" + b",".join(text for _, text in chunk) + b"]"
            data = self._wire.send("PUT", path, body=body).data
        except InvalidInputError as error:
            if len(chunk) > 1:
                half = len(chunk) // 2
                self._send_bulk(asked, chunk[:half], result)
                self._send_bulk(asked, chunk[half:], result)
                return
            # Refused without any request, too, the fault is in none of them.
            self._wire.send("PUT", path, body=b"[]")
            result.failed.append(BulkFailure.of(chunk[0][0], error))
            return
        cls = entity_class(asked)
        result.add(data, [parse(cls, raw) for raw in data["data"]], [n for n, _ in chunk])

    def _write(
        self,
        method: str,
        request: Any,
        kind: KindLike | None,
        params: Mapping[str, Any] | None = None,
    ) -> Document:
        asked = self._kind(_kind_of_request(request, kind))
        path = "/" + asked.collection
        answer = self._wire.send(method, path, params=params, body=body_of(request))
        return entity_of(entity_class(asked), answer)

    def _one_of(self, entity: EntityLike | None, entity_id: str | None, kind: KindLike) -> Address:
        if (entity is None) == (entity_id is None):
            raise InvalidInputError("get takes an entity's name, or id=")
        asked = self._kind(kind)
        return Address(asked.name, entity_id) if entity is None else address_of(entity, asked)

    def _read_before(self, entity: Document) -> tuple[Address, Kind, Read]:
        read = recall(entity)
        if read is None:
            raise InvalidInputError(
                f"this {type(entity).__name__} was not read from the catalog, so there is nothing"
                " to tell its changes against; use get first, or create_or_update with a request"
            )
        asked = kind_of(type(entity))
        return Address(asked.name, read.document["id"]), asked, read

    def _rev_of(self, entity: E, read: Read, address: Address, asked: Kind) -> str | None:
        """The rev of an entity that came without one, when it is still what was read."""
        answer = self._wire.send("GET", address.within("/" + asked.collection))
        current = entity_of(type(entity), answer)
        if current.to_wire() != read.document:
            raise PreconditionError(
                f"{read.document['fullyQualifiedName']} was written since it was read",
                current=current,
                rev=answer.rev,
            )
        return answer.rev


def wire_names(asked: Kind, names: Iterable[str]) -> list[str]:
    """The wire's spelling of names of fields, which are given in either."""
    known = {name: each.alias for name, each in entity_class(asked).model_fields.items()}
    return [known.get(name) or name for name in names]


def _kind_of_request(request: Any, given: KindLike | None) -> KindLike:
    for name, cls in CREATE_REQUESTS.items():
        if isinstance(request, cls):
            return name
    if given is None or isinstance(request, Document):
        raise InvalidInputError(
            f"a {type(request).__name__} is not a create request, such as CreateMlModel;"
            " a wire form (a mapping) needs kind=, and a changed entity goes to update"
        )
    return given


def body_of(request: Any) -> dict[str, Any]:
    """The wire form of a request."""
    return request.to_wire() if isinstance(request, Document) else dict(request)


def _written(requests: Iterable[Any], result: BulkResult[Any]) -> Iterator[Numbered]:
    """The requests as JSON, with their place; those that JSON cannot hold have failed."""
    for number, request in enumerate(requests):
        try:
            yield number, to_json(body_of(request))
        except InvalidInputError as error:
            result.failed.append(BulkFailure.of(number, error))
