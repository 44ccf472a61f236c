"""What is not about one entity: health, schemas, and the way to the documentation."""

from __future__ import annotations

from typing import Any

import pydantic_core
from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import CSS, Answer, Page, json_answer
from headwater.api.docs import STYLE, render
from headwater.api.openapi import openapi_document
from headwater.api.query import Query
from headwater.api.resource import Resource, Services
from headwater.errors import NotFoundError
from headwater.schemas import Kind, find_document, kinds
from headwater.schemas.registry import kept_with_schemas
from headwater.version import __version__


def system_resources(services: Services) -> dict[str, Resource]:
    """Resources by path, below the API's base."""
    routes = _Routes(services)
    return {
        "/health": Resource(GET=routes.health),
        "/schemas": Resource(GET=_schemas),
        "/schemas/{kind}": Resource(GET=_schema),
    }


def root_resources() -> dict[str, Resource]:
    """Resources by path, from the root of the server."""
    return {
        "/": Resource(GET=_root),
        "/docs": Resource(GET=_docs),
        "/docs/style.css": Resource(GET=_style),
        "/docs/{group}": Resource(GET=_docs),
        "/openapi.json": Resource(GET=_openapi),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._services = services
        self._engine = type(services.store).__name__.removesuffix("Store").lower()

    async def health(self, request: Request) -> Response:
        Query(request.scope)
        await self._services.read(self._store.sequence)  # fails when the store does
        return json_answer({"status": "ok", "version": __version__, "store": self._engine})


async def _schemas(request: Request) -> Response:
    Query(request.scope)
    return json_answer({"data": [_about(kind) for kind in kinds().values()], "paging": {}})


async def _schema(request: Request) -> Response:
    Query(request.scope)
    name = request.path_params["kind"]
    found = find_document(name)
    if found is None:
        raise NotFoundError(
            f"there is no kind {name!r}; the kinds are {', '.join(sorted(kinds()))}"
        )
    return json_answer(found)


def _about(kind: Kind) -> dict[str, Any]:
    extension = kind.shape.fields["extension"].shape
    return {
        "kind": kind.name,
        "collection": kind.collection,
        "title": kind.title,
        "description": kind.description,
        **({"parent": kind.parent_kind} if kind.parent_kind else {}),
        **({"extension": extension.title} if extension else {}),
    }


async def _root(request: Request) -> Response:
    Query(request.scope)
    return json_answer(
        {"name": "headwater", "version": __version__, "api": "/api/v1", "docs": "/docs"}
    )


async def _docs(request: Request) -> Response:
    Query(request.scope)
    group = request.path_params.get("group")
    page = render(group)
    if page is None:
        raise NotFoundError(f"the API has no group of operations {group!r}; /docs lists them")
    return Page(page)


async def _style(request: Request) -> Response:
    Query(request.scope)
    return Answer(STYLE, media=CSS)


async def _openapi(request: Request) -> Response:
    Query(request.scope)
    return Answer(_description())


@kept_with_schemas
def _description() -> bytes:
    return pydantic_core.to_json(openapi_document())
