"""Where the versions of models stand: moving one, naming one, finding one, what was when."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import entity, json_answer
from headwater.api.auth import actor_of
from headwater.api.errors import malformed
from headwater.api.form import MoveStage
from headwater.api.query import MAX_LIMIT, Query
from headwater.api.resource import Resource, Services
from headwater.api.routes.record import entry_page
from headwater.api.routes.target import fresh, plain_json, target, written
from headwater.catalog import Written
from headwater.catalog.model_content import ARTIFACT_TYPES, ContentPage
from headwater.errors import NotFoundError
from headwater.schemas import kind
from headwater.store.base import Entry, Key, Record
from headwater.store.draft import now_ms
from headwater.store.moment import sequence_of

MODEL = "mlmodel"
VERSION = "modelVersion"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def model_version_resources(services: Services) -> dict[str, Resource]:
    """The resources of model versions by path, below the API's base.

    They stand below any collection, so that ``/{collection}/name/`` stays what it is everywhere;
    the collections that have none answer 404.
    """
    routes = _Routes(services)
    one = "/{collection}/{id}"
    return {
        one + "/stage": Resource(POST=routes.set_stage),
        one + "/aliases/{alias:path}": Resource(PUT=routes.set_alias, DELETE=routes.delete_alias),
        one + "/modelVersions": Resource(POST=routes.create),
        one + "/modelVersions/{selector:path}": Resource(GET=routes.select),
        one + "/runs": Resource(GET=routes.runs),
        one + "/artifacts": Resource(GET=routes.artifacts),
        one + "/sourceChanges": Resource(GET=routes.source_changes),
        one + "/compare": Resource(GET=routes.compare),
        one + "/lifecycle": Resource(GET=routes.lifecycle),
        "/modelVersions/select": Resource(GET=routes.select_by_name),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._versions = services.catalog.model_versions
        self._content = services.catalog.model_content

    async def create(self, request: Request) -> Response:
        key, actor = _key(request, MODEL), actor_of(request)
        plain_json(request)
        Query(request.scope)
        catalog = self._services.catalog

        def create(body: Any) -> Written:
            return catalog.create_model_version(key, body, actor=actor)

        return written(kind(VERSION), await self._services.write(request, create))

    async def runs(self, request: Request) -> Response:
        limit, after = _page_of(Query(request.scope, ("limit", "after")))
        key = _key(request, VERSION)
        return _content(
            await self._services.long_read(
                lambda: self._content.runs(key, after=after, limit=limit)
            )
        )

    async def artifacts(self, request: Request) -> Response:
        query = Query(request.scope, ("type", "limit", "after"))
        limit, after = _page_of(query)
        which = query.option("type", ARTIFACT_TYPES)
        key = _key(request, VERSION)

        def read() -> ContentPage:
            return self._content.artifacts(key, artifact_type=which, after=after, limit=limit)

        return _content(await self._services.long_read(read))

    async def source_changes(self, request: Request) -> Response:
        Query(request.scope)
        key = _key(request, VERSION)
        lineage = self._services.lineage
        return json_answer(await self._services.long_read(lambda: lineage.source_changes(key)))

    async def compare(self, request: Request) -> Response:
        key = _key(request, MODEL)
        selectors = Query(request.scope, (), ("version",)).texts("version")
        return json_answer(
            await self._services.long_read(lambda: self._content.compare(key, selectors))
        )

    async def set_stage(self, request: Request) -> Response:
        key, actor = _key(request, VERSION), actor_of(request)
        plain_json(request)
        Query(request.scope)

        def move(body: Any) -> Record:
            asked = MoveStage.read(body)
            return self._versions.set_stage(
                key,
                asked.stage,
                actor=actor,
                reason=asked.reason,
                effective_at=asked.effective_at,
                exclusive=asked.exclusive,
                force=asked.force,
            )

        return entity(await self._services.write(request, move))

    async def set_alias(self, request: Request) -> Response:
        key, actor = _key(request, VERSION), actor_of(request)
        query = Query(request.scope, ("protected", "force"))
        alias, force = request.path_params["alias"], query.flag("force")
        protected = None if query.text("protected") is None else query.flag("protected")

        def give() -> Record:
            return self._versions.set_alias(
                key, alias, actor=actor, protected=protected, force=force
            )

        return entity(await self._services.act_without_body(request, query, give))

    async def delete_alias(self, request: Request) -> Response:
        key, actor = _key(request, VERSION), actor_of(request)
        query = Query(request.scope, ("force",))
        alias, force = request.path_params["alias"], query.flag("force")

        def take() -> Record:
            return self._versions.delete_alias(key, alias, actor=actor, force=force)

        return entity(await self._services.act_without_body(request, query, take))

    async def select(self, request: Request) -> Response:
        key = _key(request, MODEL)
        query = Query(request.scope, ("asOf",))
        return await self._select(request, query, key, request.path_params["selector"])

    async def select_by_name(self, request: Request) -> Response:
        query = Query(request.scope, ("model", "selector", "asOf"))
        model, selector = query.needed("model"), query.needed("selector")
        key = model.lower() if _UUID.fullmatch(model) else (MODEL, model)
        return await self._select(request, query, key, selector)

    async def lifecycle(self, request: Request) -> Response:
        key = _key(request, MODEL)
        query = Query(request.scope, ("stage", "at", "limit", "after"))
        if query.text("stage") is not None:
            return await self._held(query, key)
        if query.text("at") is not None:
            raise malformed("at goes with stage: which versions were in it then")
        limit = query.number("limit", 100, low=1, high=MAX_LIMIT)
        before = query.number("after", 0, low=1) or None

        def read() -> list[Entry]:
            return self._versions.history(key, before=before, limit=limit + 1)

        return entry_page(await self._services.read(read), limit)

    async def _held(self, query: Query, key: Key) -> Response:
        stage, at = query.needed("stage"), query.time("at")
        if query.text("limit") is not None or query.text("after") is not None:
            raise malformed("the versions of a stage are answered all at once")
        when = now_ms() if at is None else at
        held = await self._services.long_read(lambda: self._versions.held_at(key, stage, when))
        return json_answer({"data": held, "paging": {}})

    async def _select(self, request: Request, query: Query, key: Key, selector: str) -> Response:
        def read() -> Record:
            store = self._services.store
            model = self._services.catalog.get(MODEL, key, include_deleted=True).id
            as_of = sequence_of(store, query.moment(store), model)
            return self._versions.find(model, selector, as_of=as_of)

        return fresh(request, await self._services.read(read))


def _page_of(query: Query) -> tuple[int, int]:
    """How many to answer, and where to begin."""
    return query.number("limit", 100, low=1, high=MAX_LIMIT), query.number("after", 0)


def _content(page: ContentPage) -> Response:
    paging = {} if page.after is None else {"after": str(page.after)}
    return json_answer({"data": page.documents, "paging": paging})


def _key(request: Request, name: str) -> Key:
    """The key of an entity that must be of one kind."""
    which, key = target(request)
    if which.name != name:
        raise NotFoundError(f"there is no such thing of a {which.name}, but of a {name}")
    return key
