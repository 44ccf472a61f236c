"""The paths of MLflow's registry protocol, and how one request is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.api.answer import Answer, json_answer
from headwater.api.auth import actor_of
from headwater.api.body import parse, read
from headwater.api.dialects.mlflow.admission import PREFIXES
from headwater.api.dialects.mlflow.argument import Arguments
from headwater.api.dialects.mlflow.error import no_endpoint, refusal
from headwater.api.dialects.mlflow.model import Models
from headwater.api.dialects.mlflow.registry import Registry
from headwater.api.dialects.mlflow.search import Searches
from headwater.api.dialects.mlflow.tracking import Tracking
from headwater.api.dialects.mlflow.version import Versions
from headwater.api.resource import Services
from headwater.store.draft import Actor

_REGISTRY = ("/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/")
_MOST_KEPT, _LARGEST_KEPT = 32, 2**20
MODELS, VERSIONS = "registered-models/", "model-versions/"


class Operation(NamedTuple):
    """What a method of a path does.

    Attributes:
        writes: Whether it may change something.
        is_long: Whether a read takes its time: its answers are kept until the next commit.
    """

    call: Callable[[Arguments, Actor], dict[str, Any]]
    writes: bool = False
    is_long: bool = False


def mlflow_resources(services: Services) -> dict[str, ASGIApp]:
    """The resources of the registry by path, and what passes on all the rest."""
    registry = Registry(services)
    models, versions, searches = Models(registry), Versions(registry), Searches(registry)
    paths: dict[str, dict[str, Operation]] = {
        MODELS + "create": {"POST": Operation(models.create, writes=True)},
        MODELS + "rename": {"POST": Operation(models.rename, writes=True)},
        MODELS + "update": {"PATCH": Operation(models.update, writes=True)},
        MODELS + "delete": {"DELETE": Operation(models.delete, writes=True)},
        MODELS + "get": {"GET": Operation(models.get)},
        MODELS + "search": {"GET": Operation(searches.models, is_long=True)},
        MODELS + "get-latest-versions": {
            "GET": Operation(models.latest),
            "POST": Operation(models.latest),
        },
        MODELS + "set-tag": {"POST": Operation(models.set_tag, writes=True)},
        MODELS + "delete-tag": {"DELETE": Operation(models.delete_tag, writes=True)},
        MODELS + "alias": {
            "GET": Operation(models.get_alias),
            "POST": Operation(models.set_alias, writes=True),
            "DELETE": Operation(models.delete_alias, writes=True),
        },
        VERSIONS + "create": {"POST": Operation(versions.create, writes=True)},
        VERSIONS + "update": {"PATCH": Operation(versions.update, writes=True)},
        VERSIONS + "transition-stage": {"POST": Operation(versions.transition, writes=True)},
        VERSIONS + "delete": {"DELETE": Operation(versions.delete, writes=True)},
        VERSIONS + "get": {"GET": Operation(versions.get)},
        VERSIONS + "search": {"GET": Operation(searches.versions, is_long=True)},
        VERSIONS + "get-download-uri": {"GET": Operation(versions.download_uri)},
        VERSIONS + "set-tag": {"POST": Operation(versions.set_tag, writes=True)},
        VERSIONS + "delete-tag": {"DELETE": Operation(versions.delete_tag, writes=True)},
    }
    tracking, nothing = Tracking(services.settings), RegistryPath(services, {})
    services.closing.append(tracking.close)
    found: dict[str, ASGIApp] = {prefix + "{rest:path}": tracking for prefix in PREFIXES}
    for prefix in _REGISTRY:
        found |= {prefix + family + "{rest:path}": nothing for family in (MODELS, VERSIONS)}
        found |= {prefix + path: RegistryPath(services, its) for path, its in paths.items()}
    return found


class RegistryPath:
    """An ASGI application for one path of the registry."""

    def __init__(self, services: Services, operations: Mapping[str, Operation]) -> None:
        self._services = services
        self._operations = operations
        self._kept: dict[bytes, Answer] = {}
        self._kept_at = -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong is answered as MLflow does."""
        try:
            answer = await self._answer(Request(scope, receive))
        except Exception as error:  # noqa: BLE001  (nothing is swallowed: it is answered, or logged)
            answer = refusal(error)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        services, method = self._services, request.method
        operation = self._operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise no_endpoint(f"{method} {request.scope['path']} is no endpoint of the registry")
        call, actor = operation.call, actor_of(request)
        if method in ("GET", "HEAD"):
            return await self._read(operation, request.scope["query_string"], actor)
        raw, nesting = await read(request.receive), services.settings.max_nesting
        perform = services.act if operation.writes else services.long_read
        return json_answer(
            await perform(lambda: call(Arguments.of_json(parse(raw, max_nesting=nesting)), actor))
        )

    async def _read(self, operation: Operation, query: bytes, actor: Actor) -> Answer:
        services, asked = self._services, Arguments.of_query(query)
        if not operation.is_long:
            return json_answer(await services.read(lambda: operation.call(asked, actor)))
        seq = await services.read(services.store.sequence)
        if seq != self._kept_at or len(self._kept) >= _MOST_KEPT:
            self._kept, self._kept_at = {}, seq
        kept = self._kept
        if query in kept:
            return kept[query]
        answer = json_answer(await services.long_read(lambda: operation.call(asked, actor)))
        if len(answer.body) <= _LARGEST_KEPT:
            kept[query] = answer
        return answer
