"""The client: what people and connectors say to the catalog, over HTTP or in process."""

from __future__ import annotations

from typing import Any

from headwater.sdk.event import EventCalls
from headwater.sdk.history import HistoryCalls
from headwater.sdk.lineage_calls import LineageCalls
from headwater.sdk.model_version import ModelVersionCalls
from headwater.sdk.record import RecordCalls
from headwater.sdk.search import SearchCalls
from headwater.sdk.token import TokenCalls


class Headwater(
    HistoryCalls,
    LineageCalls,
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

    # The catalog as a whole

    def health(self) -> dict[str, Any]:
        """Return the server's state: ``status``, ``version``, ``store``."""
        found: dict[str, Any] = self._wire.send("GET", "/health").data
        return found
