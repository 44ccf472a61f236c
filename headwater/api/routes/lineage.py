"""Lineage: walks, impact, paths, what changed, and edges that people and connectors write."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import json_answer
from headwater.api.auth import actor_of
from headwater.api.errors import malformed
from headwater.api.query import MAX_LIMIT, Query
from headwater.api.resource import Resource, Services
from headwater.errors import NotFoundError
from headwater.lineage.analysis import LEVELS as ANALYSIS_LEVELS
from headwater.lineage.kind import known_kinds
from headwater.lineage.path import PATH_LEVELS
from headwater.store.base import Direction, Key
from headwater.store.draft import Document

LEVELS = ("entity", "feature", "column")
MAX_DEPTH = 100
MAX_EDGES = 10_000
_DIRECTIONS: dict[str, Direction] = {"downstream": "downstream", "upstream": "upstream"}
_ANALYSIS = ("fqn", "kind", "level", "depth", "asOf", "limit")


def lineage_resources(services: Services) -> dict[str, Resource]:
    """The resources of lineage by path, below the API's base; what is more special comes first."""
    routes = _Routes(services)
    return {
        "/lineage/impact": Resource(GET=routes.impact),
        "/lineage/tagged": Resource(GET=routes.tagged),
        "/lineage/trained-on": Resource(GET=routes.trained_on),
        "/lineage/path": Resource(GET=routes.path),
        "/lineage/diff": Resource(GET=routes.diff),
        "/lineage/roots": Resource(GET=routes.roots),
        "/lineage/cycles": Resource(GET=routes.cycles),
        "/lineage/edges": Resource(PUT=routes.put_edge, DELETE=routes.delete_edge),
        "/lineage/producers/{producer:path}": Resource(PUT=routes.replace_edges),
        "/lineage/mlmodels/{id}": Resource(POST=routes.add_mlmodel_lineage),
        "/lineage/{kind}/name/{fqn:path}": Resource(GET=routes.walk),
        "/lineage/{kind}/{id}": Resource(GET=routes.walk),
        "/lineage/{kind}/{id}/neighbours": Resource(GET=routes.neighbours),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._lineage = services.lineage

    async def walk(self, request: Request) -> Response:
        kind, key = _node(request)
        query = Query(request.scope, ("upstream", "downstream", "level", "asOf", "limit"))
        level = query.option("level", LEVELS)
        upstream = query.number("upstream", 1, high=MAX_DEPTH)
        downstream = query.number("downstream", 1, high=MAX_DEPTH)
        limit = query.number("limit", 1000, low=1, high=MAX_EDGES)
        return json_answer(
            await self._services.long_read(
                lambda: self._lineage.walk(
                    key,
                    kind=kind,
                    upstream=upstream,
                    downstream=downstream,
                    level=level,
                    as_of=query.moment(self._services.store),
                    limit=limit,
                )
            )
        )

    async def neighbours(self, request: Request) -> Response:
        kind, key = _node(request)
        query = Query(request.scope, ("direction", "level", "asOf", "limit", "after"))
        direction = _DIRECTIONS[query.choice("direction", tuple(_DIRECTIONS))]
        level = query.option("level", LEVELS)
        limit = query.number("limit", 100, low=1, high=MAX_LIMIT)
        return json_answer(
            await self._services.long_read(
                lambda: self._lineage.neighbours(
                    key,
                    kind=kind,
                    direction=direction,
                    level=level,
                    as_of=query.moment(self._services.store),
                    limit=limit,
                    after=query.text("after"),
                )
            )
        )

    async def impact(self, request: Request) -> Response:
        known = ("fqn", "kind", "tag", "depth", "stage", "asOf", "limit", "drop")
        query = Query(request.scope, known)
        depth, stage, limit = _reach(query)
        tag, drop = query.text("tag"), query.flag("drop")
        if tag is not None:
            for name in ("fqn", "kind", "asOf", "drop"):
                if query.text(name) is not None:
                    raise malformed(f"tag asks about what carries it now: {name} does not fit")
            return json_answer(
                await self._services.long_read(
                    lambda: self._lineage.tag_impact(tag, depth=depth, stage=stage, limit=limit)
                )
            )
        fqn, kind = query.needed("fqn"), query.text("kind")
        return json_answer(
            await self._services.long_read(
                lambda: self._lineage.impact(
                    fqn,
                    kind=kind,
                    depth=depth,
                    stage=stage,
                    as_of=query.moment(self._services.store),
                    limit=limit,
                    drop=drop,
                )
            )
        )

    async def tagged(self, request: Request) -> Response:
        query = Query(request.scope, ("fqn", "kind", "tag", "depth", "stage", "limit"))
        fqn, kind, tag = query.needed("fqn"), query.text("kind"), query.needed("tag")
        depth, stage, limit = _reach(query)
        return json_answer(
            await self._services.long_read(
                lambda: self._lineage.tagged_sources(
                    fqn, tag, kind=kind, depth=depth, stage=stage, limit=limit
                )
            )
        )

    async def trained_on(self, request: Request) -> Response:
        known = ("fqn", "kind", "from", "to", "depth", "stage", "limit")
        query = Query(request.scope, known)
        fqn, kind = query.needed("fqn"), query.text("kind")
        since, until = query.time("from"), query.time("to", whole_day=True)
        if since is not None and until is not None and since > until:
            raise malformed("from is a later time than to")
        depth, stage, limit = _reach(query)
        return json_answer(
            await self._services.long_read(
                lambda: self._lineage.trained_on(
                    fqn,
                    kind=kind,
                    since=since,
                    until=until,
                    depth=depth,
                    stage=stage,
                    limit=limit,
                )
            )
        )

    async def path(self, request: Request) -> Response:
        query = Query(request.scope, ("from", "to", "level", "asOf"))
        start, end = query.needed("from"), query.needed("to")
        level = query.choice("level", PATH_LEVELS)
        return json_answer(
            await self._services.long_read(
                lambda: self._lineage.path(
                    start, end, level=level, as_of=query.sequence(self._services.store)
                )
            )
        )

    async def diff(self, request: Request) -> Response:
        known = ("fqn", "kind", "from", "to", "level", "upstream", "downstream", "limit")
        query = Query(request.scope, known)
        fqn, kind = query.needed("fqn"), query.text("kind")
        query.needed("from")
        level = query.option("level", LEVELS)
        upstream = query.number("upstream", 1, high=MAX_DEPTH)
        downstream = query.number("downstream", 1, high=MAX_DEPTH)
        limit = query.number("limit", 1000, low=1, high=MAX_EDGES)

        def compare() -> Document:
            store = self._services.store
            return self._lineage.diff(
                fqn,
                kind=kind,
                before=query.moment(store, "from") or 0,
                after=query.moment(store, "to"),
                upstream=upstream,
                downstream=downstream,
                level=level,
                limit=limit,
            )

        return json_answer(await self._services.long_read(compare))

    async def roots(self, request: Request) -> Response:
        return await self._analysis(request, self._lineage.roots, 1000)

    async def cycles(self, request: Request) -> Response:
        return await self._analysis(request, self._lineage.cycles, 100)

    async def _analysis(
        self, request: Request, ask: Callable[..., Document], default: int
    ) -> Response:
        query = Query(request.scope, _ANALYSIS)
        fqn, kind = query.needed("fqn"), query.text("kind")
        level = query.option("level", ANALYSIS_LEVELS)
        depth = query.number("depth", MAX_DEPTH, high=MAX_DEPTH)
        limit = query.number("limit", default, low=1, high=MAX_EDGES)
        return json_answer(
            await self._services.long_read(
                lambda: ask(
                    fqn,
                    kind=kind,
                    level=level,
                    depth=depth,
                    as_of=query.moment(self._services.store),
                    limit=limit,
                )
            )
        )

    async def put_edge(self, request: Request) -> Response:
        actor = actor_of(request)
        Query(request.scope)
        return json_answer(
            await self._services.write(
                request, lambda body: self._lineage.put_edge(body, actor=actor)
            )
        )

    async def delete_edge(self, request: Request) -> Response:
        actor = actor_of(request)
        Query(request.scope)
        return json_answer(
            await self._services.write(
                request, lambda body: self._lineage.delete_edge(body, actor=actor)
            )
        )

    async def replace_edges(self, request: Request) -> Response:
        actor, producer = actor_of(request), request.path_params["producer"]
        Query(request.scope)
        return json_answer(
            await self._services.write(
                request, lambda body: self._lineage.replace_edges(producer, body, actor=actor)
            )
        )

    async def add_mlmodel_lineage(self, request: Request) -> Response:
        actor = actor_of(request)
        query = Query(request.scope)
        model_id = request.path_params["id"].lower()
        return json_answer(
            await self._services.act_without_body(
                request, query, lambda: self._lineage.add_mlmodel_lineage(model_id, actor=actor)
            )
        )


def _reach(query: Query) -> tuple[int, str | None, int]:
    """How far a question goes, the stage that it is about, and how much it lists."""
    return (
        query.number("depth", MAX_DEPTH, high=MAX_DEPTH),
        query.text("stage"),
        query.number("limit", 1000, low=1, high=MAX_EDGES),
    )


def _node(request: Request) -> tuple[str, Key]:
    """The kind and node that a path names, by id or by FQN."""
    path = request.path_params
    kind = path["kind"]
    if kind not in known_kinds():
        known = ", ".join(sorted(known_kinds()))
        raise NotFoundError(f"there is no kind {kind!r}; the kinds are {known}")
    fqn = path.get("fqn")
    return kind, (path["id"].lower() if fqn is None else (kind, fqn))
