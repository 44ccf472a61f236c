"""Tokens, which sign people and bots in. How a request carries one is the API's business.

A token is an *entry* of the user that it belongs to: type ``token``, key the token's id. The latest
entry counts, so that a revocation is one more entry. Beside it stands the mark of sign-in
(``sign_in.py``), which also says who has tokens. Neither is a record that the API answers or takes,
and no export holds a token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple, get_args

import pydantic_core

from headwater.catalog.service import CatalogService
from headwater.catalog.sign_in import MARK, ON, USER, mark
from headwater.errors import (
    AccessError,
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    StaleWriteError,
)
from headwater.names import check_name, child
from headwater.store.base import Entry, EntryWrite, Record, Store, WriteSet
from headwater.store.draft import Actor, Document, Draft, Role, dump, load, now_ms, until_current

TOKEN = "token"  # noqa: S105  (the type of an entry, no secret)

ActorKind = Literal["person", "bot"]

_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}
_PREFIX = "hw"
_MAX_SECRET = 200
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; times are milliseconds since the epoch.

    Attributes:
        kind: What its holder writes as; a bot stays one whatever the token says.
        expires_at: When it stops to count; None: it does not.
        revoked_at: When it was taken back, if it was; ``revoked_by`` says who did.
    """

    id: str
    user_id: str
    user: str
    kind: ActorKind
    role: Role
    description: str
    created_at: int
    created_by: str
    expires_at: int | None
    revoked_at: int | None = None
    revoked_by: str | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made, with its secret, which is shown here and never again."""

    token: Token
    secret: str = field(repr=False)


class Holder(NamedTuple):
    """Whom a secret signs in, and until when, in milliseconds since the epoch (None: for good)."""

    actor: Actor
    expires_at: int | None


class TokenService:
    """Makes, revokes and recognises tokens. Who may do so is the caller's to check.

    Attributes:
        state: Another object whenever a token was made or revoked here, so that who remembers
            something of tokens knows when to forget it.
    """

    def __init__(self, store: Store, catalog: CatalogService) -> None:
        self._store = store
        self._catalog = catalog
        self.state = object()

    def create(
        self,
        user: str,
        *,
        role: Role,
        kind: ActorKind | None = None,
        expires_in: timedelta | None = None,
        description: str = "",
        actor: Actor,
    ) -> NewToken:
        """Make a token for a user, who is created when not there; sign-in is on from then on.

        The secret has 256 random bits, so that a plain SHA-256 of it is safe to keep: slow hashes
        make guessing costly, and nobody guesses these.

        Args:
            user: The user's name.
            role: What the holder may do.
            kind: What the holder writes as; by default what the user is (a new one: a person).
            expires_in: How long it counts; None: until it is revoked.
            description: What it is for.
            actor: Who makes it.

        Raises:
            InvalidInputError: The name cannot be one.
            ConflictError: The user is deleted, or is a bot and the token would be a person's.
            AccessError: A bot asks for a person's token.
        """
        name = check_name(user, "/user")
        if actor.kind == "bot":
            if kind == "person":
                raise AccessError("a bot makes no person's token: a person does, or it is a bot's")
            kind = "bot"

        def attempt() -> NewToken:
            owner = self._user(name, kind, actor)
            now = now_ms()
            life = None if expires_in is None else expires_in // timedelta(milliseconds=1)
            token = Token(
                id=secrets.token_hex(8),
                user_id=owner.id,
                user=owner.name,
                kind=_kind_for(owner, kind),
                role=role,
                description=description,
                created_at=now,
                created_by=actor.name,
                expires_at=None if life is None else now + life,
            )
            secret = f"{_PREFIX}_{token.id}_{secrets.token_urlsafe(32)}"
            data = _data_of(token) | {"hash": _hash(secret)}
            self._append([_entry(owner.id, token.id, data), mark(owner.id)], actor)
            return NewToken(token, secret)

        return until_current(attempt)

    def revoke(self, token_id: str, *, actor: Actor) -> Token:
        """Take a token back for good; one that was revoked before stays as it was.

        Raises:
            NotFoundError: There is no such token.
        """
        entry = self._find(token_id)
        if entry is None:
            raise NotFoundError(f"there is no token {token_id!r}; `headwater token list` has them")
        data = _data(entry)
        if not data.get("revoked"):
            revoked = _entry(entry.entity_id, token_id, data | {"revoked": True})
            self._append([revoked], actor)
            entry = self._find(token_id) or entry
        return self._tokens([entry])[0]

    def list(self) -> Sequence[Token]:
        """Return every token, expired and revoked ones too, newest first."""
        # Whoever has a token has the mark of sign-in beside it, whose key is known.
        users = {entry.entity_id for entry in self._every(types=[MARK], keys=[ON])}
        return self._tokens(list(self._every(types=[TOKEN], entity_ids=users)))

    def find_holder(self, secret: str) -> Holder | None:
        """Return whom a secret signs in now; None when it is no token, or no valid one."""
        prefix, _, rest = secret.partition("_")
        token_id, _, random = rest.partition("_")
        if prefix != _PREFIX or not random or not secret.isascii() or len(secret) > _MAX_SECRET:
            return None
        entry = self._find(token_id)
        if entry is None:
            return None
        data = _data(entry)
        if data.get("revoked") or not hmac.compare_digest(str(data["hash"]), _hash(secret)):
            return None
        expires_at, role = data["expiresAt"], _ROLES.get(data["role"])
        if role is None or (expires_at is not None and now_ms() >= expires_at):
            return None
        user = self._store.find(entry.entity_id)
        if user is None or user.deleted:
            return None
        bot = data["kind"] != "person" or _is_bot(user)
        return Holder(Actor(user.name, "bot" if bot else "person", role=role), expires_at)

    # Inside

    def _user(self, name: str, kind: ActorKind | None, actor: Actor) -> Record:
        """The user of a name, created when there is none."""
        key = (USER, child(None, name))
        found = self._store.find(key)
        if found is None:
            body = {"name": name, "isBot": True} if kind == "bot" else {"name": name}
            with suppress(AlreadyExistsError):  # somebody else was faster
                self._catalog.create(USER, body, actor=actor)
            found = self._store.find(key)
        if found is None:  # somebody else renamed or erased it at once
            raise StaleWriteError(f"the user {name!r} was changed meanwhile; try again")
        if found.deleted:
            raise ConflictError(f"the user {name!r} is deleted; restore it first")
        return found

    def _append(self, entries: Sequence[EntryWrite], actor: Actor) -> None:
        Draft(entries=[*entries]).commit(self._store, actor)
        self.state = object()

    def _find(self, token_id: str) -> Entry | None:
        found = self._store.entries(types=[TOKEN], keys=[token_id], limit=1)  # the newest
        return found[0] if found else None

    def _every(self, **filters: Any) -> Iterator[Entry]:
        """The latest entries that match, page by page."""
        before = None
        while page := self._store.entries(**filters, latest=True, limit=_PAGE, before=before):
            yield from page
            before = page[-1].number

    def _tokens(self, entries: Sequence[Entry]) -> Sequence[Token]:
        users = self._store.find_many({entry.entity_id for entry in entries}) if entries else {}
        tokens = [_token(e, users[e.entity_id].name) for e in entries if e.entity_id in users]
        return sorted(tokens, key=lambda token: (token.created_at, token.id), reverse=True)


def says_nothing(write_set: WriteSet) -> bool:
    """Whether whom tokens sign in is after a commit what it was before: nobody new has one."""
    return not (
        write_set.erased
        or any(each.kind == USER and each.expected_rev for each in write_set.entities)
        or any(each.type in (TOKEN, MARK) for each in write_set.entries)
    )


def _data_of(token: Token) -> Document:
    """What an entry keeps of a token beside its own fields."""
    return {
        "kind": token.kind,
        "role": token.role,
        "description": token.description,
        "createdAt": token.created_at,
        "createdBy": token.created_by,
        "expiresAt": token.expires_at,
    }


def _entry(user_id: str, token_id: str, data: Document) -> EntryWrite:
    return EntryWrite(user_id, TOKEN, token_id, now_ms(), dump(data))


def _token(entry: Entry, user: str) -> Token:
    data = _data(entry)
    revoked = bool(data.get("revoked"))
    return Token(
        entry.key, entry.entity_id, user, data["kind"], data["role"], data["description"],
        data["createdAt"], data["createdBy"], data["expiresAt"],
        revoked_at=entry.recorded_at if revoked else None,
        revoked_by=entry.actor if revoked else None,
    )  # fmt: skip


def _kind_for(user: Record, kind: ActorKind | None) -> ActorKind:
    """The kind that a user's token gets; nothing raises a bot to a person."""
    if kind == "person" and _is_bot(user):
        raise ConflictError(f"the user {user.name!r} is a bot, so its tokens are a bot's")
    return kind or ("bot" if _is_bot(user) else "person")


def _is_bot(user: Record) -> bool:
    return bool(load(user).get("isBot"))


def _data(entry: Entry) -> Document:
    data: Document = pydantic_core.from_json(entry.data)
    return data


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
