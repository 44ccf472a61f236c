"""What the routes of entities share: what a path names, and how an entity is answered."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import Answer, NotModified, entity
from headwater.api.errors import RequestError
from headwater.api.query import is_held
from headwater.catalog import Written
from headwater.errors import NotFoundError
from headwater.schemas import Kind, find_kind
from headwater.store.base import Key, Record

API = "/api/v1"


def kind_of(request: Request) -> Kind:
    """The kind whose collection a path names."""
    collection = request.path_params["collection"]
    found = find_kind(collection)
    if found is None:
        raise NotFoundError(
            f"there is no collection {collection!r}; {API}/schemas lists those there are"
        )
    return found


def target(request: Request) -> tuple[Kind, Key]:
    """The kind and entity that a path names, by id or by FQN."""
    which, path = kind_of(request), request.path_params
    fqn = path.get("fqn")
    return which, (path["id"].lower() if fqn is None else (which.name, fqn))


def fresh(request: Request, record: Record) -> Response:
    """The entity, unless the client says that it holds this state."""
    if is_held(request.headers, record.rev):
        return NotModified(record.rev)
    return entity(record)


def written(which: Kind, left: Written) -> Answer:
    """What a create or a put left."""
    if not left.created:
        return entity(left)
    location = f"{API}/{which.collection}/{left.id}".encode()
    return entity(left, status=201, headers=((b"location", location),))


def media_of(request: Request) -> str:
    """The body's content type, which the guard has checked; JSON where there is no body."""
    given = request.headers.get("content-type", "application/json")
    return given.partition(";")[0].strip().lower()


def plain_json(request: Request) -> None:
    """Refuse a patch where a whole document is meant."""
    if (media := media_of(request)) != "application/json":
        raise RequestError("unsupported-media-type", f"{media} is for PATCH; this is JSON")
