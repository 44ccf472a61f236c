"""One connection to a catalog, and finding what an argument names. The calls are built on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import copy
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, SupportsIndex, TypeVar

import httpx

from headwater.document import Document
from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.schemas import Kind
from headwater.sdk.address import (
    Address,
    EntityLike,
    KindLike,
    address_of,
    entity_class,
    find_kind_named,
    kind_of,
    part_kinds,
)
from headwater.sdk.in_process import in_process_transport
from headwater.sdk.memory import parse
from headwater.sdk.own_kind import learn
from headwater.sdk.suggest import with_candidates
from headwater.sdk.wire import Answer, Wire

E = TypeVar("E", bound=Document)

PAGE = 100
"""How many entities one exchange asks for."""


def check_limit(limit: Any) -> None:
    """Refuse what cannot say how many are returned.

    Raises:
        InvalidInputError: It is no number from 0.
    """
    if limit is not None and (not isinstance(limit, SupportsIndex) or int(limit) < 0):
        raise InvalidInputError(f"limit is the most to return, from 0, and not {limit!r}")


class Session:
    """A connection; see ``Headwater``."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8585",
        *,
        token: str | None = None,
        producer: str | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: Address of the server.
            token: What signs in; by default what ``HEADWATER_TOKEN`` holds. Empty: none.
            producer: Name of the connector that writes; lowers the caller to a bot of that name.
            timeout: Seconds to wait for a connection, and for each part of an answer.
            transport: What carries requests in place of the network.
        """
        if token is None:
            token = os.environ.get("HEADWATER_TOKEN")
        self._wire = Wire(url, token=token, producer=producer, timeout=timeout, transport=transport)
        self._learnt: dict[str, Kind] = {}

    @classmethod
    def open(cls, store: str | Path, *, producer: str | None = None, timeout: float = 30.0) -> Self:
        """Make a client that works on a store in process, without a server.

        Args:
            store: Path of a SQLite file, or a URL such as ``sqlite:///path.db`` or
                ``neo4j://user:password@host:7687``.
            producer: See the class.
            timeout: See the class.

        Raises:
            StoreError: The store cannot be opened.
        """
        transport = in_process_transport(store)
        # The name is what the server's guard admits; nothing is resolved or connected to.
        return cls(
            "http://localhost", token="", producer=producer, timeout=timeout, transport=transport
        )

    def as_producer(self, producer: str) -> Self:
        """Return a client that writes as a connector, on this one's connection.

        Closing either closes both.

        Args:
            producer: See the class.
        """
        other = copy(self)
        other._wire = self._wire.as_producer(producer)
        return other

    def close(self) -> None:
        """Release connections, and an opened store. Closing twice is allowed."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Headwater({self._wire.url!r})"

    def _named(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Send what people name things in; of a name that is not there, tell those like it."""
        try:
            return self._wire.send(method, path, params=params)
        except NotFoundError as error:
            raise with_candidates(error, self._wire) from None

    def _pages(
        self, path: str, params: Mapping[str, Any] | None = None, *, limit: int | None = None
    ) -> Iterator[Any]:
        """What a list holds, or the first of it, page by page."""
        check_limit(limit)
        size = PAGE if limit is None else max(1, min(limit, PAGE))
        return islice(self._all_pages(path, {**(params or {}), "limit": size}), limit)

    def _all_pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Any]:
        asked = dict(params)
        while True:
            answer = self._named("GET", path, asked).data
            yield from answer["data"]
            asked["after"] = answer["paging"].get("after")
            if asked["after"] is None or not answer["data"]:
                return

    def _located(
        self, entity: EntityLike, kind: KindLike | None, *, deleted: bool = False
    ) -> tuple[Address, Kind]:
        """Where an entity is, with its kind, which is looked up when nothing tells it."""
        address = self._address(entity, kind)
        if address.kind is None:
            address = self._any_kind(address, deleted=deleted)
        if address.kind in part_kinds().values():
            raise InvalidInputError(f"{address.kind!r} is not the kind of an entity")
        return address, self._kind(address.kind or "")

    def _kind(self, asked: KindLike | Kind) -> Kind:
        """The kind that is meant; the server tells of those that are not known here."""
        if isinstance(asked, Kind):
            return asked
        if isinstance(asked, type) or find_kind_named(asked):
            return kind_of(asked)
        if asked not in self._learnt:
            self._learnt[asked] = learn(self._wire, asked)
        return self._learnt[asked]

    def _class(self, asked: KindLike | Kind) -> type[Document]:
        return entity_class(self._kind(asked))

    def _entity(self, raw: Mapping[str, Any]) -> Any:
        """The entity that an element of an answer holds, which tells its ``kind``."""
        fields = dict(raw)
        return parse(self._class(fields.pop("kind")), fields)

    def _address(self, entity: EntityLike, kind: KindLike | Kind | None = None) -> Address:
        if isinstance(kind, str) and kind not in part_kinds().values():
            kind = self._kind(kind)
        return address_of(entity, kind)

    def _any_kind(self, address: Address, *, deleted: bool) -> Address:
        """The address with the one kind that has such an entity."""
        asked = address.id or address.fqn
        try:
            node = self._named("GET", "/resolve", {"fqn": asked}).data
        except ConflictError as error:
            return self._only(error)
        except NotFoundError as error:  # of what is deleted, it says where that is
            if not deleted or "kind" not in error.details:
                raise
            node = error.details
        if node["kind"] in part_kinds().values():
            raise NotFoundError(f"there is no entity {asked!r}", fqn=asked)
        return Address(node["kind"], node["id"])

    def _only(self, error: ConflictError) -> Address:
        """The only entity among what several nodes are called; the error if there are more."""
        named = [str(each).partition(":") for each in error.details.get("candidates", ())]
        found = [(kind, fqn) for kind, _, fqn in named if kind not in part_kinds().values()]
        if len(found) != 1:
            raise error
        return Address(found[0][0], None, found[0][1])

    def _fetch(
        self,
        address: Address,
        *,
        deleted: bool = False,
        as_of: str | int | None = None,
        suggest: bool = True,
    ) -> Document:
        """Read the entity at an address that has a kind; what is not there costs a search."""
        asked = self._kind(address.kind or "")
        params = {"include": "all" if deleted else None, "asOf": as_of}
        send = self._named if suggest else self._wire.send
        answer = send("GET", address.within("/" + asked.collection), params=params)
        return entity_of(entity_class(asked), answer)

    def _path(self, address: Address, *, deleted: bool = False, start: str | None = None) -> str:
        """The path by id, for routes that have no other form."""
        if address.id is None:
            address = address_of(self._fetch(address, deleted=deleted))
        return address.within(start or "/" + self._kind(address.kind or "").collection)

    def _fqn(self, entity: EntityLike, kind: str | None) -> str:
        address = self._address(entity, kind)
        known = address.fqn or getattr(entity, "fully_qualified_name", None)
        return str(known or _fqn_of(self._fetch(address, deleted=True)))

    def _node(self, address: Address) -> Address:
        """The address with its kind, which the server tells when nothing else does."""
        if address.kind is not None:
            return address
        if address.fqn is None:
            return self._any_kind(address, deleted=True)
        node = self._named("GET", "/resolve", {"fqn": address.fqn}).data
        return Address(node["kind"], node["id"])


def _fqn_of(entity: Document) -> str:
    return str(entity.to_wire()["fullyQualifiedName"])


def entity_of(cls: type[E], answer: Answer) -> E:
    """The entity that an answer holds."""
    return parse(cls, answer.data, rev=answer.rev)
