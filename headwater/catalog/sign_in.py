"""Sign-in: whether it is on, and what of a user only admins change. Tokens are in ``token.py``."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.errors import AccessError
from headwater.store.base import EntryWrite, Record, Store
from headwater.store.draft import Actor, Change, now_ms

USER = "user"
MARK = "signIn"
"""Type of the entry that says that sign-in is on. Every user who ever had a token has one."""
ON = "on"


def is_on(store: Store) -> bool:
    """Whether requests need a token: once one was made they do, even when all are revoked."""
    return bool(store.entries(types=[MARK], keys=[ON], limit=1))


def mark(user_id: str) -> EntryWrite:
    """The entry that turns sign-in on, or keeps it on."""
    return EntryWrite(user_id, MARK, ON, now_ms())


def marks_of_erased(store: Store, records: Iterable[Record]) -> list[EntryWrite]:
    """What keeps sign-in on when users who had tokens are erased with all their entries."""
    users = [record.id for record in records if record.kind == USER]
    if not users:
        return []
    found = store.entries(entity_ids=users, types=[MARK], latest=True, limit=len(users))
    return [mark(entry.entity_id) for entry in found]


def check_user(change: Change, stored: Record | None, actor: Actor) -> None:
    """Leave to admins what lets a user in, keeps one out, or gives one another name.

    Raises:
        AccessError: The actor is no admin, and the change is such a one.
    """
    if actor.role == "admin":
        return
    before, after = change.before or {}, change.after
    same = all(bool(before.get(name)) == bool(after.get(name)) for name in ("deleted", "isBot"))
    if not same or (stored and change.fqn != stored.fqn):
        raise AccessError(
            f"user {(stored or change).fqn!r}: only admins delete, restore and rename users, or say"
            f" that one is a bot; the role of this token is {actor.role}"
        )
