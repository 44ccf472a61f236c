"""One kind at a time: ``hw.kind("notebook")``, for kinds with classes and without."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, Unpack, cast

from pydantic import ValidationError

from headwater.document import Document
from headwater.generated import CREATE_REQUESTS
from headwater.sdk.address import EntityLike
from headwater.sdk.bulk import BulkResult
from headwater.sdk.entities import ListOptions
from headwater.sdk.history import HistoryCalls
from headwater.sdk.own_kind import camel

E = TypeVar("E", bound=Document)


class KindClient(Generic[E]):
    """What a client can do with the entities of one kind; see the methods of ``Headwater``.

    Attributes:
        name: The kind's name on the wire, such as ``notebook``.
        entity_class: The class of its entities.
    """

    def __init__(self, calls: HistoryCalls, name: str, entity_class: type[E]) -> None:
        self._calls = calls
        self._any: Any = calls  # where an entity's class and its kind are both given
        self.name = name
        self.entity_class = entity_class

    def __repr__(self) -> str:
        return f"<{self.name}s of {self._calls!r}>"

    def create(self, request: Mapping[str, Any] | None = None, /, **fields: Any) -> E:
        """Create an entity, of a wire form or of fields in either spelling, and return it.

        Example:
            >>> hw.kind("notebook").create(name="explore", language="python")
        """
        return self._calls.create(self._request(request, fields), kind=self.entity_class)

    def put(self, request: Mapping[str, Any] | None = None, /, **fields: Any) -> E:
        """Create or update an entity as ``create_or_update`` does, and return it."""
        return self._calls.create_or_update(self._request(request, fields), kind=self.entity_class)

    create_or_update = put

    def get(
        self,
        entity: EntityLike | None = None,
        *,
        id: str | None = None,  # the field's own name, as people will type it
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> E:
        """Return one entity; see ``Headwater.get``."""
        return self._calls.get(self.entity_class, entity, id=id, deleted=deleted, as_of=as_of)

    def find(
        self,
        entity: EntityLike | None = None,
        *,
        id: str | None = None,  # as in get
        deleted: bool = False,
        as_of: str | int | None = None,
    ) -> E | None:
        """Return one entity, or None when there is none."""
        return self._calls.find(self.entity_class, entity, id=id, deleted=deleted, as_of=as_of)

    def list(self, **options: Unpack[ListOptions]) -> Iterator[E]:
        """Iterate over the entities; see ``Headwater.list``."""
        return self._calls.list(self.entity_class, **options)

    def rows(
        self, fields: Iterable[str], **options: Unpack[ListOptions]
    ) -> Iterator[dict[str, Any]]:
        """Iterate over some fields of the entities; see ``Headwater.rows``."""
        return self._calls.rows(self.entity_class, fields, **options)

    def update(self, entity: E) -> E:
        """Write what was changed on an entity since it was read; see ``Headwater.update``."""
        return self._calls.update(entity)

    def delete(self, entity: EntityLike, *, recursive: bool = False, force: bool = False) -> E:
        """Soft-delete an entity, and return it; see ``Headwater.delete``."""
        return cast(
            E, self._any.delete(entity, kind=self.entity_class, recursive=recursive, force=force)
        )

    def restore(self, entity: EntityLike) -> E:
        """Bring a soft-deleted entity back, and return it."""
        return cast(E, self._any.restore(entity, kind=self.entity_class))

    def erase(self, entity: EntityLike, *, recursive: bool = False, force: bool = False) -> E:
        """Delete an entity for good, and return its last state; see ``Headwater.erase``."""
        return cast(
            E, self._any.erase(entity, kind=self.entity_class, recursive=recursive, force=force)
        )

    def rename(self, entity: EntityLike, name: str) -> E:
        """Give an entity another name, and return it."""
        return cast(E, self._any.rename(entity, name, kind=self.entity_class))

    def revert(self, entity: EntityLike, version: str) -> E:
        """Write a new version with the values of an earlier one, and return it."""
        return cast(E, self._any.revert(entity, version, kind=self.entity_class))

    def versions(self, entity: EntityLike) -> Sequence[E]:
        """Return every version of an entity, the newest first."""
        return cast("Sequence[E]", self._any.versions(entity, kind=self.entity_class))

    def bulk(self, requests: Iterable[Mapping[str, Any]]) -> BulkResult[E]:
        """Create or update many entities; see ``Headwater.bulk``."""
        return self._calls.bulk(self.entity_class, (self._request(each, {}) for each in requests))

    def preview(self, requests: Iterable[Mapping[str, Any]]) -> builtins.list[dict[str, Any]]:
        """Return what ``bulk`` would do, and write nothing; see ``Headwater.preview``."""
        requested = (self._request(each, {}) for each in requests)
        return self._calls.preview(self.entity_class, requested)

    def _request(self, request: Mapping[str, Any] | Document | None, fields: Any) -> dict[str, Any]:
        """The wire form of a request, whichever way it is spelled."""
        given = request.to_wire() if isinstance(request, Document) else dict(request or {})
        given |= fields
        if (shipped := CREATE_REQUESTS.get(self.name)) is not None:
            try:
                return shipped.model_validate(given).to_wire()
            except ValidationError:
                pass  # the server says what is wrong, and where
        known = {name: each.alias for name, each in self.entity_class.model_fields.items()}
        return {known.get(n) or camel(n): _plain(value) for n, value in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.to_wire() if isinstance(value, Document) else value
