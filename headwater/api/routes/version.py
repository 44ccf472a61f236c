"""Versions of an entity: browse, compare, go back to one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import entity, json_answer, page
from headwater.api.auth import actor_of
from headwater.api.query import MAX_LIMIT, Query, if_match
from headwater.api.resource import Resource, Services
from headwater.api.routes.target import fresh, target


def version_resources(services: Services) -> dict[str, Resource]:
    """The resources of versions by path, below the API's base."""
    routes = _Routes(services)
    base = "/{collection}/{id}/versions"
    return {
        base: Resource(GET=routes.versions),
        base + "/{version}": Resource(GET=routes.version),
        base + "/{version}/diff/{other}": Resource(GET=routes.diff),
        base + "/{version}/revert": Resource(POST=routes.revert),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalog = services.catalog

    async def versions(self, request: Request) -> Response:
        which, key = target(request)
        query = Query(request.scope, ("limit", "after"))
        limit = query.number("limit", 100, low=1, high=MAX_LIMIT)
        before = query.number("after", 0, low=1) or None
        found = await self._services.read(
            lambda: self._catalog.versions(which.name, key, limit=limit, before_rev=before)
        )
        after = str(found[-1].rev) if found and found[-1].rev > 1 else None
        return page((record.document for record in found), {"after": after})

    async def version(self, request: Request) -> Response:
        which, key = target(request)
        Query(request.scope)
        version = request.path_params["version"]
        found = await self._services.read(
            lambda: self._catalog.get_version(which.name, key, version)
        )
        return fresh(request, found)

    async def diff(self, request: Request) -> Response:
        which, key = target(request)
        Query(request.scope)
        a, b = request.path_params["version"], request.path_params["other"]
        return json_answer(
            await self._services.read(lambda: self._catalog.diff(which.name, key, a, b))
        )

    async def revert(self, request: Request) -> Response:
        which, key = target(request)
        actor, rev = actor_of(request), if_match(request.headers)
        query = Query(request.scope)
        version = request.path_params["version"]
        return entity(
            await self._services.act_without_body(
                request,
                query,
                lambda: self._catalog.revert(which.name, key, version, actor=actor, if_match=rev),
            )
        )
