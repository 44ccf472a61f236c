"""The client: what people and connectors say to the catalog, over HTTP or in process."""

from __future__ import annotations

from typing import Any, overload

from headwater.sdk.address import KindLike, entity_class
from headwater.sdk.entities import E
from headwater.sdk.event import EventCalls
from headwater.sdk.history import HistoryCalls
from headwater.sdk.kind import KindClient
from headwater.sdk.lineage_calls import LineageCalls
from headwater.sdk.model_version import ModelVersionCalls
from headwater.sdk.record import RecordCalls
from headwater.sdk.search import SearchCalls
from headwater.sdk.sklearn_model import SklearnCalls
from headwater.sdk.token import TokenCalls


class Headwater(
    HistoryCalls,
    LineageCalls,
    SklearnCalls,
    ModelVersionCalls,
    RecordCalls,
    SearchCalls,
    EventCalls,
    TokenCalls,
):
    """A client of one catalog; safe to use from many threads at once.

    Where a method takes an *entity*, it takes an entity that was read, an ``EntityReference``, an
    id, a fully qualified name, or the text form ``kind:fqn``. Where it takes a *kind*, it takes an
    entity's class or the name of a kind, collection or class. Every method raises subclasses of
    ``HeadwaterError``: those that the server raised, and ``ClientError`` when the server is not
    reached or not understood.

    Example:
        >>> with Headwater("http://127.0.0.1:8585") as hw:
        ...     model = hw.get(MlModel, "headwater.churn")
        ...     model.description = "Who leaves next month"
        ...     model = hw.update(model)
    """

    @overload
    def kind(self, kind: type[E]) -> KindClient[E]: ...
    @overload
    def kind(self, kind: str) -> KindClient[Any]: ...
    def kind(self, kind: KindLike) -> KindClient[Any]:
        """Return a client of one kind, such as an organisation's own, which has no classes.

        Its entities have what the server's schema says, in both spellings; this process needs no
        schema file.

        Args:
            kind: Name of a kind, collection or class; or a class.

        Raises:
            InvalidInputError: There is no such kind; the message lists those there are.

        Example:
            >>> notebooks = hw.kind("notebook")
            >>> notebooks.put(name="explore", language="python").fully_qualified_name
            'explore'
        """
        asked = self._kind(kind)
        return KindClient(self, asked.name, entity_class(asked))

    def health(self) -> dict[str, Any]:
        """Return the server's state: ``status``, ``version``, ``store``."""
        found: dict[str, Any] = self._wire.send("GET", "/health").data
        return found
