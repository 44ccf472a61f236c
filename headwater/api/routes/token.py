"""Tokens, for admins: make, list, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import json_answer
from headwater.api.auth import actor_of
from headwater.api.query import Query
from headwater.api.resource import Resource, Services
from headwater.catalog.token import ActorKind, NewToken, Token
from headwater.document import Integer, Text
from headwater.errors import InvalidInputError
from headwater.store.draft import Role

DAY = 86_400
DEFAULT_LIFE = 90 * DAY
MAX_LIFE = 36_500 * DAY


class CreateToken(BaseModel):
    """Request to make a token. ``expires_in`` is in seconds; None: until it is revoked."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    user: Text
    role: Role
    kind: ActorKind | None = None
    expires_in: Annotated[Integer, Field(ge=1, le=MAX_LIFE)] | None = DEFAULT_LIFE
    description: Annotated[Text, Field(max_length=1000)] = ""


def token_resources(services: Services) -> dict[str, Resource]:
    """The resources of tokens by path, below the API's base."""
    routes = _Routes(services)
    return {
        "/tokens": Resource(GET=routes.list, POST=routes.create),
        "/tokens/{id}": Resource(DELETE=routes.revoke),
    }


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._tokens = services.tokens

    async def list(self, request: Request) -> Response:
        actor_of(request, role="admin")
        Query(request.scope)
        found = await self._services.read(self._tokens.list)
        return json_answer({"data": [_wire(token) for token in found], "paging": {}})

    async def create(self, request: Request) -> Response:
        actor = actor_of(request, role="admin")
        Query(request.scope)

        def create(body: Any) -> NewToken:
            asked = _checked(body)
            life = None if asked.expires_in is None else timedelta(seconds=asked.expires_in)
            return self._tokens.create(
                asked.user,
                role=asked.role,
                kind=asked.kind,
                expires_in=life,
                description=asked.description,
                actor=actor,
            )

        made = await self._services.write(request, create)
        return json_answer({**_wire(made.token), "secret": made.secret}, status=201)

    async def revoke(self, request: Request) -> Response:
        actor = actor_of(request, role="admin")
        query = Query(request.scope)
        token_id = request.path_params["id"]
        revoked = await self._services.act_without_body(
            request, query, lambda: self._tokens.revoke(token_id, actor=actor)
        )
        return json_answer(_wire(revoked))


def _checked(body: Any) -> CreateToken:
    try:
        return CreateToken.model_validate(body)
    except ValidationError as error:
        faults = [
            {"pointer": "".join(f"/{part}" for part in fault["loc"]), "message": fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        text = "; ".join(f"{fault['pointer']}: {fault['message']}" for fault in faults)
        raise InvalidInputError(f"not a valid request for a token: {text}", errors=faults) from None


def _wire(token: Token) -> dict[str, Any]:
    fields = {
        "id": token.id,
        "user": {"id": token.user_id, "type": "user", "name": token.user},
        "kind": token.kind,
        "role": token.role,
        "description": token.description,
        "createdAt": token.created_at,
        "createdBy": token.created_by,
        "expiresAt": token.expires_at,
        "revokedAt": token.revoked_at,
        "revokedBy": token.revoked_by,
    }
    return {name: value for name, value in fields.items() if value is not None}
