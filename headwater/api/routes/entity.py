"""Entities of every kind: one set of handlers, which looks the collection up."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import Answer, NotModified, entity, json_answer, listing, page
from headwater.api.auth import actor_of
from headwater.api.errors import RequestError
from headwater.api.query import MAX_LIMIT, Query, if_match, is_held
from headwater.api.resource import Resource, Services
from headwater.catalog import Written
from headwater.errors import InvalidInputError, NotFoundError
from headwater.schemas import Kind, find_kind
from headwater.store.base import Deleted, Key, Record

API = "/api/v1"
PATCH_TYPES: dict[str, tuple[type, ...]] = {
    "application/json-patch+json": (list,),
    "application/merge-patch+json": (dict,),
    "application/json": (list, dict),
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
        "/{collection}/{id}/restore": Resource(POST=routes.restore),
        "/{collection}/{id}/versions": Resource(GET=routes.versions),
        "/{collection}/{id}/versions/{version}": Resource(GET=routes.version),
        "/{collection}/{id}/versions/{version}/diff/{other}": Resource(GET=routes.diff),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalog = services.catalog

    # Reads

    async def get(self, request: Request) -> Response:
        which, key = _target(request)
        query = Query(request.scope, ("asOf", "include"))
        deleted = query.choice("include", ("non-deleted", "all")) == "all"

        def read() -> Record:
            as_of = query.as_of(self._services.store)
            return self._catalog.get(which.name, key, as_of=as_of, include_deleted=deleted)

        return _fresh(request, await self._services.read(read))

    async def list(self, request: Request) -> Response:
        which = _kind(request)
        query = Query(request.scope, ("limit", "after", "parent", "include", "total"))
        limit = query.number("limit", 10, low=1, high=MAX_LIMIT)
        include = _INCLUDE[query.choice("include", tuple(_INCLUDE))]
        found = await self._services.read(
            lambda: self._catalog.list(
                which.name,
                limit=limit,
                after=query.text("after"),
                parent=query.text("parent"),
                deleted=include,
                total=query.flag("total", default=query.text("after") is None),
            )
        )
        texts = (record.document for record in found.records)
        return page(texts, {"after": found.after, "total": found.total})

    async def versions(self, request: Request) -> Response:
        which, key = _target(request)
        query = Query(request.scope, ("limit", "after"))
        limit = query.number("limit", 100, low=1, high=MAX_LIMIT)
        before = query.number("after", 0, low=1) or None
        found = await self._services.read(
            lambda: self._catalog.versions(which.name, key, limit=limit, before_rev=before)
        )
        after = str(found[-1].rev) if found and found[-1].rev > 1 else None
        return page((record.document for record in found), {"after": after})

    async def version(self, request: Request) -> Response:
        which, key = _target(request)
        Query(request.scope)
        version = request.path_params["version"]
        found = await self._services.read(
            lambda: self._catalog.get_version(which.name, key, version)
        )
        return _fresh(request, found)

    async def diff(self, request: Request) -> Response:
        which, key = _target(request)
        Query(request.scope)
        a, b = request.path_params["version"], request.path_params["other"]
        return json_answer(
            await self._services.read(lambda: self._catalog.diff(which.name, key, a, b))
        )

    # Writes

    async def create(self, request: Request) -> Response:
        which, actor = _kind(request), actor_of(request)
        _plain_json(request)
        Query(request.scope)
        return _written(
            which,
            await self._services.write(
                request, lambda body: self._catalog.create(which.name, body, actor=actor)
            ),
        )

    async def put(self, request: Request) -> Response:
        which, actor, rev = _kind(request), actor_of(request), if_match(request.headers)
        _plain_json(request)
        Query(request.scope)
        return _written(
            which,
            await self._services.write(
                request,
                lambda body: self._catalog.put(which.name, body, actor=actor, if_match=rev),
            ),
        )

    async def put_bulk(self, request: Request) -> Response:
        which, actor = _kind(request), actor_of(request)
        _plain_json(request)
        Query(request.scope)

        def put(body: Any) -> Response:
            if not isinstance(body, list):
                raise InvalidInputError.at("", "a bulk write is an array of create requests")
            result = self._catalog.put_bulk(which.name, body, actor=actor)
            made = sum(each.created for each in result.written)
            changed = sum(each.changed for each in result.written)
            beside = {
                "failed": result.failed,
                "created": made,
                "updated": changed - made,
                "unchanged": len(result.written) - changed,
            }
            return listing((each.document for each in result.written), beside)

        return await self._services.write(request, put)

    async def patch(self, request: Request) -> Response:
        which, key = _target(request)
        actor, rev = actor_of(request), if_match(request.headers)
        shapes = PATCH_TYPES[_media(request)]
        Query(request.scope)

        def patch(body: Any) -> Written:
            if not isinstance(body, shapes):
                raise InvalidInputError.at(
                    "", "a JSON Patch is an array of operations, a merge patch an object"
                )
            return self._catalog.patch(which.name, key, body, actor=actor, if_match=rev)

        return entity(await self._services.write(request, patch))

    async def delete(self, request: Request) -> Response:
        which, key = _target(request)
        actor, rev = actor_of(request), if_match(request.headers)
        recursive = Query(request.scope, ("recursive",)).flag("recursive")
        return entity(
            await self._services.act(
                lambda: self._catalog.delete(
                    which.name, key, actor=actor, recursive=recursive, if_match=rev
                )
            )
        )

    async def restore(self, request: Request) -> Response:
        which, key = _target(request)
        actor = actor_of(request)
        Query(request.scope)
        entity_id = str(key)
        return entity(
            await self._services.act(
                lambda: self._catalog.restore(which.name, entity_id, actor=actor)
            )
        )


def _kind(request: Request) -> Kind:
    collection = request.path_params["collection"]
    found = find_kind(collection)
    if found is None:
        raise NotFoundError(
            f"there is no collection {collection!r}; /api/v1/schemas lists those there are"
        )
    return found


def _target(request: Request) -> tuple[Kind, Key]:
    """The kind and entity that a path names, by id or by FQN."""
    which, path = _kind(request), request.path_params
    fqn = path.get("fqn")
    return which, (path["id"].lower() if fqn is None else (which.name, fqn))


def _fresh(request: Request, record: Record) -> Response:
    """The entity, unless the client says that it holds this state."""
    if is_held(request.headers, record.rev):
        return NotModified(record.rev)
    return entity(record)


def _written(which: Kind, written: Written) -> Answer:
    if not written.created:
        return entity(written)
    location = f"{API}/{which.collection}/{written.id}".encode()
    return entity(written, status=201, headers=((b"location", location),))


def _media(request: Request) -> str:
    """The body's content type, which the guard has checked; JSON where there is no body."""
    given = request.headers.get("content-type", "application/json")
    return given.partition(";")[0].strip().lower()


def _plain_json(request: Request) -> None:
    """Refuse a patch where a whole document is meant."""
    if (media := _media(request)) != "application/json":
        raise RequestError("unsupported-media-type", f"{media} is for PATCH; this is JSON")
