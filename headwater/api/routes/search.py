"""Finding things: by words and facets, and by a name that may be of any kind."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import json_answer
from headwater.api.query import MAX_LIMIT, Query
from headwater.api.resource import Resource, Services
from headwater.lineage.node import as_json
from headwater.store.base import MAX_HITS
from headwater.store.text import FACETS


def search_resources(services: Services) -> dict[str, Resource]:
    """Resources by path, below the API's base."""
    routes = _Routes(services)
    return {"/search": Resource(GET=routes.search), "/resolve": Resource(GET=routes.resolve)}


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def search(self, request: Request) -> Response:
        query = Query(request.scope, ("q", "limit", "offset"), FACETS)
        filters = {facet: query.texts(facet) for facet in FACETS}
        limit = query.number("limit", 10, high=MAX_LIMIT)
        offset = query.number("offset", 0, high=MAX_HITS - 1)
        return json_answer(
            await self._services.long_read(
                lambda: self._services.search.search(
                    query.text("q") or "", filters=filters, limit=limit, offset=offset
                )
            )
        )

    async def resolve(self, request: Request) -> Response:
        query = Query(request.scope, ("fqn", "kind"))
        fqn, kind = query.needed("fqn"), query.text("kind")
        key = fqn if kind is None else (kind, fqn)
        return json_answer(
            as_json(await self._services.read(lambda: self._services.lineage.find(key)))
        )
