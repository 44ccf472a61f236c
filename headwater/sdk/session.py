"""One connection to a catalog, and finding what an argument names. The calls are built on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from headwater.document import Document
from headwater.errors import ConflictError, InvalidInputError, NotFoundError
from headwater.generated import ENTITIES
from headwater.schemas import Kind, kinds
from headwater.sdk.address import (
    Address,
    EntityLike,
    KindLike,
    address_of,
    entity_class,
    kind_of,
)
from headwater.sdk.in_process import in_process_transport
from headwater.sdk.memory import parse
from headwater.sdk.wire import Answer, Wire

E = TypeVar("E", bound=Document)

PAGE = 100
"""How many entities or events one exchange asks for."""


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

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Any]:
        asked = dict(params)
        while True:
            answer = self._wire.send("GET", path, params=asked).data
            yield from answer["data"]
            after = answer["paging"].get("after")
            # The event log answers a cursor even at its end, to go on from later.
            if after is None or not answer["data"]:
                return
            asked["after"] = after

    def _located(
        self, entity: EntityLike, kind: KindLike | None, *, deleted: bool = False
    ) -> tuple[Address, Kind]:
        """Where an entity is, with its kind, which is looked up when nothing tells it."""
        address = address_of(entity, kind)
        if address.kind is None:
            address = self._any_kind(address, deleted=deleted)
        if address.kind not in kinds():
            raise InvalidInputError(f"{address.kind!r} is not the kind of an entity")
        return address, kind_of(address.kind)

    def _any_kind(self, address: Address, *, deleted: bool) -> Address:
        """The address with the one kind that has such an entity."""
        found = []
        for name in ENTITIES:
            with suppress(NotFoundError):
                found.append(self._fetch(Address(name, address.id, address.fqn), deleted=deleted))
        asked = address.id or address.fqn
        if not found:
            raise NotFoundError(f"there is no entity {asked!r}", fqn=asked)
        if len(found) > 1:
            candidates = [f"{kind_of(type(entity)).name}:{_fqn_of(entity)}" for entity in found]
            raise ConflictError(
                f"{asked!r} names more than one entity: {', '.join(candidates)}; say which kind",
                candidates=candidates,
            )
        return address_of(found[0])

    def _fetch(
        self, address: Address, *, deleted: bool = False, as_of: str | int | None = None
    ) -> Document:
        """Read the entity at an address that has a kind."""
        asked = kind_of(address.kind or "")
        params = {"include": "all" if deleted else None, "asOf": as_of}
        answer = self._wire.send("GET", address.within("/" + asked.collection), params=params)
        return entity_of(entity_class(asked), answer)

    def _path(self, address: Address, *, deleted: bool = False, start: str | None = None) -> str:
        """The path by id, for routes that have no other form."""
        if address.id is None:
            address = address_of(self._fetch(address, deleted=deleted))
        return address.within(start or "/" + kind_of(address.kind or "").collection)

    def _fqn(self, entity: EntityLike, kind: str | None) -> str:
        address = address_of(entity, kind)
        known = address.fqn or getattr(entity, "fully_qualified_name", None)
        return str(known or _fqn_of(self._fetch(address, deleted=True)))

    def _node(self, address: Address) -> Address:
        """The address with its kind, which the server tells when nothing else does."""
        if address.kind is not None:
            return address
        if address.fqn is None:
            return self._any_kind(address, deleted=True)
        root = self._wire.send("GET", "/lineage/impact", params={"fqn": address.fqn, "depth": 0})
        return Address(root.data["root"]["kind"], root.data["root"]["id"])


def _fqn_of(entity: Document) -> str:
    return str(entity.to_wire()["fullyQualifiedName"])


def entity_of(cls: type[E], answer: Answer) -> E:
    """The entity that an answer holds."""
    return parse(cls, answer.data, rev=answer.rev)
