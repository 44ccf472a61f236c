"""Who calls, and what they may do. Where requests may come from is the guard's (``guard.py``)."""

from __future__ import annotations

from starlette.requests import Request

from headwater.api.errors import malformed
from headwater.errors import AccessError, InvalidInputError
from headwater.names import check_name
from headwater.store.draft import Actor, Role

PRODUCER = "X-Headwater-Producer"
ACTOR = "headwater.actor"
"""Key of the request's scope: the actor that the guard admitted."""
LOCAL = Actor()

_RANK: dict[Role, int] = {"viewer": 0, "editor": 1, "admin": 2}
# What marks writers that are not producers (see Actor.writer) and edges that follow from documents.
_RESERVED = ("person", "bot:", "entity:")


def need(actor: Actor, role: Role) -> None:
    """Check that an actor may do what takes a role.

    Raises:
        AccessError: The actor's role is a lower one.
    """
    if _RANK[actor.role] < _RANK[role]:
        raise AccessError(f"this takes the role {role}; the role of this token is {actor.role}")


def actor_of(request: Request, *, role: Role = "viewer") -> Actor:
    """Return who writes: whom the guard admitted, or the bot of the producer that is named.

    A producer lowers a person to a bot, and nothing raises a bot to a person.

    Args:
        role: What the request takes beyond its method (the guard has checked that).

    Raises:
        RequestError: Status 400: the producer's name cannot be one.
        AccessError: The actor's role is a lower one.
    """
    actor: Actor = request.scope[ACTOR]
    need(actor, role)
    given = request.headers.get(PRODUCER)
    if given is None:
        return actor
    try:
        name = check_name(given.encode("latin-1").decode(), pointer="")
    except (UnicodeDecodeError, InvalidInputError) as error:
        raise malformed(f"{PRODUCER} is not the name of a producer: {error}") from None
    if name == _RESERVED[0] or name.startswith(_RESERVED[1:]):
        raise malformed(f"{PRODUCER}: {name!r} is reserved")
    return Actor(actor.name, "bot", name, actor.role)
