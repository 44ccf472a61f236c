"""Who calls, and what they may do. Where requests may come from is the guard's (``guard.py``)."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from time import monotonic

from starlette.requests import Request

from headwater.api.errors import malformed
from headwater.api.resource import Services
from headwater.catalog.sign_in import is_on
from headwater.catalog.token import Holder, says_nothing
from headwater.errors import AccessError, InvalidInputError, NotSignedInError
from headwater.names import check_name
from headwater.store.base import WriteSet
from headwater.store.draft import Actor, Role, now_ms

PRODUCER = "X-Headwater-Producer"
ACTOR = "headwater.actor"
"""Key of the request's scope: the actor that the guard admitted."""
AGAIN = "headwater.again"
"""Key of the scope: asks the guard once more."""
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
        raise AccessError(
            f"this takes the role {role}; the role of this token is {actor.role}: an admin makes"
            f" another, by `headwater token create NAME --role {role}`"
        )


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


async def still_admitted(request: Request) -> None:
    """Check that a request would be let in now, for an answer that goes on and on.

    Raises:
        AccessError: It would not: its token has ended, say, or sign-in was turned on.
    """
    await request.scope[AGAIN]()


class SignIn:
    """Whether requests need a token, and whom one signs in, remembered as long as that is sound.

    What a local store said counts until its next commit, unless this process makes that, and it
    says nothing of tokens and users. A remote one would have to be asked over the network, so its
    word counts for at most a second, and until this process makes or revokes a token. Only headers
    with valid tokens are remembered, and only by their hash.

    Used by one event loop.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._on = False
        self._off_at: object = None
        self._holders_at: object = None
        self._holders: dict[bytes, Holder] = {}
        services.store.on_commit = self._committed

    async def is_on(self) -> bool:
        """Whether requests need a token; once they do, that stays so."""
        if self._on or self._off_at == (now := self._now()):
            return self._on
        self._on = await self._services.read(lambda: is_on(self._services.store))
        self._off_at = now
        return self._on

    async def actor(self, authorization: bytes | None) -> Actor:
        """Return whom an ``Authorization`` header signs in.

        Raises:
            NotSignedInError: Nobody: there is none, or no valid token in it.
        """
        digest = hashlib.sha256(authorization or b"").digest()
        now = self._now()
        if now != self._holders_at:
            self._holders, self._holders_at = {}, now
        holder = self._holders.get(digest)
        if holder is None or _is_over(holder):
            secret = _secret(authorization)
            holder = await self._services.read(lambda: self._services.tokens.find_holder(secret))
            if holder is None:
                raise NotSignedInError(
                    "the token is not one that this server knows, or it has expired or been"
                    " revoked; an admin makes another"
                )
            if now == self._holders_at:  # what was found is as old as its question
                self._holders[digest] = holder
        return holder.actor

    def _committed(self, write_set: WriteSet, seq: int) -> None:
        """Let what was remembered as of the commit before count on; called in any thread."""
        if says_nothing(write_set):
            if self._holders_at == seq - 1:
                self._holders_at = seq
            if self._off_at == seq - 1:
                self._off_at = seq

    def _now(self) -> object:
        """Equal as long as what was remembered counts."""
        if self._services.store.local:
            return self._services.store.sequence()
        return self._services.tokens.state, int(monotonic())


def _secret(authorization: bytes | None) -> str:
    """The token of an ``Authorization`` header: as Bearer, or as the password of any user.

    Clients of other protocols, such as MLflow's, know names and passwords only.
    """
    scheme, _, secret = (authorization or b"").decode("latin-1").partition(" ")
    if scheme.lower() == "basic":
        try:
            secret = b64decode(secret.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            secret = ""
    elif scheme.lower() != "bearer":
        secret = ""
    if not secret.strip():
        raise NotSignedInError(
            "this server asks for a token: Authorization: Bearer …; `headwater token create` makes"
            " one, and the SDK and the command line send what HEADWATER_TOKEN holds"
        )
    return secret.strip()


def _is_over(holder: Holder) -> bool:
    return holder.expires_at is not None and now_ms() >= holder.expires_at
