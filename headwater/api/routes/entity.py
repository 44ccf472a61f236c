"""Entities of every kind: one set of handlers, which looks the collection up."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import Answer, Stored, entity, json_answer, listing, page
from headwater.api.auth import actor_of
from headwater.api.form import Release, Rename
from headwater.api.projection import Projection
from headwater.api.query import MAX_LIMIT, Query, if_match
from headwater.api.resource import Resource, Services
from headwater.api.routes.target import (
    fresh,
    kind_of,
    media_of,
    plain_json,
    target,
    written,
)
from headwater.catalog import BulkResult, Written
from headwater.catalog.read import list_filters
from headwater.errors import InvalidInputError
from headwater.store.base import Deleted, Record
from headwater.store.draft import Document

PATCH_TYPES: dict[str, tuple[type, ...]] = {
    "application/json-patch+json": (list,),
    "application/merge-patch+json": (dict,),
    "application/json": (list, dict),
}
_LIST = ("limit", "after", "parent", "include", "total", "fields")
_COUNTS = {
    "create": "created",
    "update": "updated",
    "restore": "restored",
    "none": "unchanged",
    "fail": "failed",
}
_INCLUDE: dict[str, Deleted] = {"non-deleted": "exclude", "all": "include", "deleted": "only"}


def entity_resources(services: Services) -> dict[str, Resource]:
    """The resources of entities by path, below the API's base."""
    routes = _Routes(services)
    one = {"GET": routes.get, "PATCH": routes.patch, "DELETE": routes.delete}
    return {
        "/{collection}": Resource(GET=routes.list, POST=routes.create, PUT=routes.put),
        "/{collection}/bulk": Resource(PUT=routes.put_bulk),
        "/{collection}/name/{fqn:path}": Resource(**one),
        "/{collection}/{id}": Resource(**one),
        "/{collection}/{id}/provenance": Resource(GET=routes.provenance),
        "/{collection}/{id}/release": Resource(POST=routes.release),
        "/{collection}/{id}/rename": Resource(POST=routes.rename),
        "/{collection}/{id}/restore": Resource(POST=routes.restore),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalog = services.catalog

    # Reads

    async def get(self, request: Request) -> Response:
        which, key = target(request)
        query = Query(request.scope, ("asOf", "include", "fields"))
        projection = Projection(which, query.text("fields"))
        deleted = query.choice("include", ("non-deleted", "all")) == "all"

        def read() -> Record:
            as_of = query.moment(self._services.store)
            found = self._catalog.get(which.name, key, as_of=as_of, include_deleted=deleted)
            return projection.of(found)

        return fresh(request, await self._services.read(read))

    async def list(self, request: Request) -> Response:
        which = kind_of(request)
        facets = list_filters(which)
        query = Query(request.scope, _LIST, facets)
        projection = Projection(which, query.text("fields"))
        filters = {facet: query.texts(facet) for facet in facets}
        limit = query.number("limit", 10, low=1, high=MAX_LIMIT)
        include = _INCLUDE[query.choice("include", tuple(_INCLUDE))]

        def read() -> Answer:
            found = self._catalog.list(
                which.name,
                limit=limit,
                after=query.text("after"),
                parent=query.text("parent"),
                filters=filters,
                deleted=include,
                total=query.flag("total", default=query.text("after") is None),
            )
            texts = map(projection.text, found.records)
            return page(texts, {"after": found.after, "total": found.total})

        # What is filtered may have to be indexed first.
        run = self._services.long_read if any(filters.values()) else self._services.read
        return await run(read)

    async def provenance(self, request: Request) -> Response:
        which, key = target(request)
        query = Query(request.scope, ("asOf",))

        def read() -> Document:
            as_of = query.moment(self._services.store)
            return self._catalog.provenance(which.name, key, as_of=as_of)

        return json_answer(await self._services.read(read))

    # Writes

    async def create(self, request: Request) -> Response:
        which, actor = kind_of(request), actor_of(request)
        plain_json(request)
        replaces = Query(request.scope, ("replaceDeleted",)).flag("replaceDeleted")

        def create(body: Any) -> Written:
            return self._catalog.create(which.name, body, actor=actor, replace_deleted=replaces)

        return written(which, await self._services.write(request, create))

    async def put(self, request: Request) -> Response:
        which, actor, rev = kind_of(request), actor_of(request), if_match(request.headers)
        plain_json(request)
        if Query(request.scope, ("preview",)).flag("preview"):
            return json_answer(
                await self._services.write(
                    request,
                    lambda body: self._catalog.preview_put(
                        which.name, body, actor=actor, if_match=rev
                    ),
                )
            )
        return written(
            which,
            await self._services.write(
                request,
                lambda body: self._catalog.put(which.name, body, actor=actor, if_match=rev),
            ),
        )

    async def put_bulk(self, request: Request) -> Response:
        which, actor = kind_of(request), actor_of(request)
        plain_json(request)
        only_preview = Query(request.scope, ("preview",)).flag("preview")

        def put(body: Any) -> Response:
            if not isinstance(body, list):
                raise InvalidInputError.at("", "a bulk write is an array of create requests")
            if only_preview:
                return _previewed(self._catalog.preview(which.name, body, actor=actor))
            return _bulk(self._catalog.put_bulk(which.name, body, actor=actor))

        return await self._services.write(request, put)

    async def patch(self, request: Request) -> Response:
        which, key = target(request)
        actor, rev = actor_of(request), if_match(request.headers)
        shapes = PATCH_TYPES[media_of(request)]
        Query(request.scope)

        def patch(body: Any) -> Written:
            if not isinstance(body, shapes):
                raise InvalidInputError.at(
                    "", "a JSON Patch is an array of operations, a merge patch an object"
                )
            return self._catalog.patch(which.name, key, body, actor=actor, if_match=rev)

        return entity(await self._services.write(request, patch))

    async def delete(self, request: Request) -> Response:
        which, key = target(request)
        query = Query(request.scope, ("recursive", "hard", "force"))
        hard, force = query.flag("hard"), query.flag("force")
        actor, rev = (
            actor_of(request, role="admin" if hard else "viewer"),
            if_match(request.headers),
        )
        how: dict[str, Any] = {"recursive": query.flag("recursive"), "if_match": rev}

        def delete() -> Stored:
            if hard:
                return self._catalog.erase(which.name, key, actor=actor, force=force, **how)
            return self._catalog.delete(which.name, key, actor=actor, force=force, **how)

        return entity(await self._services.act_without_body(request, query, delete))

    async def rename(self, request: Request) -> Response:
        which, key = target(request)
        actor, rev = actor_of(request), if_match(request.headers)
        plain_json(request)
        Query(request.scope)

        def rename(body: Any) -> Written:
            name = Rename.read(body).name
            return self._catalog.rename(which.name, key, name, actor=actor, if_match=rev)

        return entity(await self._services.write(request, rename))

    async def release(self, request: Request) -> Response:
        which, key = target(request)
        actor = actor_of(request)
        plain_json(request)
        Query(request.scope)

        def release(body: Any) -> Written:
            field = Release.read(body).field
            return self._catalog.release(which.name, key, field, actor=actor)

        return entity(await self._services.write(request, release))

    async def restore(self, request: Request) -> Response:
        which, key = target(request)
        actor = actor_of(request)
        query = Query(request.scope)
        entity_id = str(key)
        return entity(
            await self._services.act_without_body(
                request,
                query,
                lambda: self._catalog.restore(which.name, entity_id, actor=actor),
            )
        )


def _bulk(result: BulkResult) -> Answer:
    actions = [_action(each) for each in result.written]
    counts = {action: actions.count(action) for action in ("created", "updated", "unchanged")}
    beside = {"actions": actions, "failed": result.failed, **counts}
    return listing((each.document for each in result.written), beside)


def _action(written: Written) -> str:
    return "created" if written.created else "updated" if written.changed else "unchanged"


def _previewed(previews: list[Document]) -> Answer:
    actions = Counter(each["action"] for each in previews)
    counts = {name: actions[action] for action, name in _COUNTS.items()}
    return json_answer({"data": previews, **counts})
