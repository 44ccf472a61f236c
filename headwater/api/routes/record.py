"""Records of an entity, and who follows it and votes on it, which are records of their own."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import json_answer
from headwater.api.auth import actor_of
from headwater.api.form import CastVote
from headwater.api.query import MAX_LIMIT, Query
from headwater.api.resource import Resource, Services
from headwater.api.routes.target import plain_json, target
from headwater.catalog.record import as_json
from headwater.store.base import Entry, Record
from headwater.store.draft import Document
from headwater.store.moment import sequence_of


def record_resources(services: Services) -> dict[str, Resource]:
    """The resources of records by path, below the API's base."""
    routes = _Routes(services)
    one = "/{collection}/{id}"
    return {
        "/records": Resource(PUT=routes.put),
        one + "/records/{type}": Resource(GET=routes.list, POST=routes.append),
        one + "/followers": Resource(GET=routes.followers),
        one + "/followers/{user:path}": Resource(PUT=routes.follow, DELETE=routes.unfollow),
        one + "/votes": Resource(GET=routes.votes),
        one + "/votes/{user:path}": Resource(PUT=routes.vote),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._records = services.records

    async def list(self, request: Request) -> Response:
        which, key = target(request)
        query = Query(request.scope, ("key", "latest", "after", "limit", "asOf"))
        limit = query.number("limit", 100, low=1, high=MAX_LIMIT)
        before = query.number("after", 0, low=1) or None

        def read() -> list[Entry]:
            store = self._services.store
            found = self._records.list(
                which.name,
                key,
                request.path_params["type"],
                record_key=query.text("key"),
                latest=query.flag("latest"),
                before=before,
                as_of=sequence_of(store, query.moment(store), str(key)),
                limit=limit + 1,
            )
            return [*found]

        return entry_page(await self._services.read(read), limit)

    async def append(self, request: Request) -> Response:
        which, key = target(request)
        actor = actor_of(request)
        plain_json(request)
        Query(request.scope)
        type_ = request.path_params["type"]
        made = await self._services.write(
            request,
            lambda body: self._records.append(which.name, key, type_, body, actor=actor),
        )
        return json_answer({"data": made}, status=201)

    async def put(self, request: Request) -> Response:
        actor = actor_of(request)
        plain_json(request)
        Query(request.scope)
        put = self._records.put
        return json_answer(await self._services.write(request, lambda body: put(body, actor=actor)))

    async def followers(self, request: Request) -> Response:
        which, key = target(request)
        Query(request.scope)
        found = await self._services.read(lambda: self._records.followers(which.name, key))
        paging = {"total": len(found)}
        return json_answer({"data": [_reference(user) for user in found], "paging": paging})

    async def follow(self, request: Request) -> Response:
        return await self._set_following(request, following=True)

    async def unfollow(self, request: Request) -> Response:
        return await self._set_following(request, following=False)

    async def votes(self, request: Request) -> Response:
        which, key = target(request)
        Query(request.scope)
        return json_answer(await self._services.read(lambda: self._records.votes(which.name, key)))

    async def vote(self, request: Request) -> Response:
        which, key = target(request)
        actor, user = actor_of(request), request.path_params["user"]
        plain_json(request)
        Query(request.scope)

        def vote(body: Any) -> Document:
            asked = CastVote.read(body).vote
            return self._records.vote(which.name, key, user, asked, actor=actor)[0]

        return json_answer(await self._services.write(request, vote))

    async def _set_following(self, request: Request, *, following: bool) -> Response:
        which, key = target(request)
        actor, user = actor_of(request), request.path_params["user"]
        query = Query(request.scope)

        def follow() -> Document:
            return self._records.follow(which.name, key, user, actor=actor, following=following)[0]

        return json_answer(await self._services.act_without_body(request, query, follow))


def entry_page(found: list[Entry], limit: int) -> Response:
    """Answer a page of records out of one more than it holds."""
    shown = found[:limit]
    paging = {"after": str(shown[-1].number)} if len(found) > limit else {}
    return json_answer({"data": [as_json(each) for each in shown], "paging": paging})


def _reference(user: Record) -> Document:
    return {"id": user.id, "type": "user", "name": user.name, "fullyQualifiedName": user.fqn}
