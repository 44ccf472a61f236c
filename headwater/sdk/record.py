"""The calls about records: metrics, statuses, usage, followers, votes. None makes a version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from headwater.generated import EntityReference, User
from headwater.names import quote
from headwater.sdk.address import EntityLike, KindLike, address_of, is_id, segment
from headwater.sdk.session import Session

_MOST = 1000  # records that one exchange takes


class RecordCalls(Session):
    """What is appended about an entity; see ``Headwater``."""

    def add_records(
        self,
        entity: EntityLike,
        type: str,  # the record's own property, as people will type it
        records: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        kind: KindLike | None = None,
    ) -> list[dict[str, Any]]:
        """Append records of one type to an entity, all or none, and return them.

        Args:
            entity: Which one.
            type: Such as ``metric``, ``status``, ``usage``.
            records: ``{key?, at?, data?}``, or a list of them. ``at`` is when it was so, in
                milliseconds since the epoch; the ``data`` of a metric has a number ``value``.
            kind: Of a bare name or id.

        Example:
            >>> hw.add_records(version, "metric", {"key": "auc", "data": {"value": 0.93}})
        """
        body = dict(records) if isinstance(records, Mapping) else [dict(each) for each in records]
        found: list[dict[str, Any]] = self._wire.send(
            "POST", self._records(entity, kind, type), body=body
        ).data["data"]
        return found

    def put_records(self, records: Iterable[Mapping[str, Any]]) -> dict[str, int]:
        """Append records to many entities in few exchanges, but for what is known already.

        Known is what the newest record of the same entity, type and key says: the same data and,
        where the request has a time, the same time.

        Args:
            records: ``{entity, type, key?, at?, data?}``, where the entity is one that was read,
                or ``kind:fqn``. Of 1,000, and so on, either all are appended or none.

        Returns:
            How many were ``appended``, and how many are ``unchanged``.

        Example:
            >>> auc = {"type": "metric", "key": "auc", "data": {"value": 0.93}}
            >>> hw.put_records([{"entity": "modelVersion:headwater.churn.spring", **auc}])
        """
        result = {"appended": 0, "unchanged": 0}
        rest = iter(records)
        while chunk := list(islice(rest, _MOST)):
            body = [{**each, "entity": address_of(each["entity"]).reference()} for each in chunk]
            answer = self._wire.send("PUT", "/records", body=body).data
            result = {name: result[name] + answer[name] for name in result}
        return result

    def records(
        self,
        entity: EntityLike,
        type: str,  # as above
        *,
        kind: KindLike | None = None,
        key: str | None = None,
        latest: bool = False,
        as_of: str | int | None = None,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Iterate over records of one type, newest first.

        Args:
            entity: Which one.
            type: Such as ``metric``.
            kind: Of a bare name or id.
            key: Only those with this key, such as a metric's name.
            latest: Only the newest of each key: what was appended last, whatever its ``at``.
            as_of: What was recorded by a time (ISO 8601), a sequence number, or ``version:0.3``.
            limit: The most to return; None for all.
        """
        params = {
            "key": key,
            "latest": "true" if latest else None,
            "asOf": as_of,
        }
        return self._pages(self._records(entity, kind, type), params, limit=limit)

    def follow(self, entity: EntityLike, user: User | str, *, kind: KindLike | None = None) -> None:
        """Let a user follow an entity: oneself; with an admin's token, anyone.

        Args:
            user: A user that was read, or a user's name or id.
        """
        self._wire.send("PUT", f"{self._of(entity, kind)}/followers/{_user(user)}")

    def unfollow(
        self, entity: EntityLike, user: User | str, *, kind: KindLike | None = None
    ) -> None:
        """Let a user no longer follow an entity."""
        self._wire.send("DELETE", f"{self._of(entity, kind)}/followers/{_user(user)}")

    def followers(
        self, entity: EntityLike, *, kind: KindLike | None = None
    ) -> list[EntityReference]:
        """Return references to the users who follow an entity, by name."""
        answer = self._wire.send("GET", f"{self._of(entity, kind)}/followers")
        return [EntityReference.model_validate(raw) for raw in answer.data["data"]]

    def vote(
        self,
        entity: EntityLike,
        user: User | str,
        vote: Literal["up", "down", "none"],
        *,
        kind: KindLike | None = None,
    ) -> None:
        """Set a user's vote on an entity: one's own; with an admin's token, anyone's."""
        path = f"{self._of(entity, kind)}/votes/{_user(user)}"
        self._wire.send("PUT", path, body={"vote": vote})

    def votes(self, entity: EntityLike, *, kind: KindLike | None = None) -> dict[str, int]:
        """Return how many users voted an entity ``up`` and ``down``."""
        found: dict[str, int] = self._wire.send("GET", f"{self._of(entity, kind)}/votes").data
        return found

    def _records(self, entity: EntityLike, kind: KindLike | None, type_: str) -> str:
        return f"{self._of(entity, kind)}/records/{segment(type_)}"

    def _of(self, entity: EntityLike, kind: KindLike | None) -> str:
        address, _ = self._located(entity, kind, deleted=True)
        return self._path(address, deleted=True)


def _user(user: User | str) -> str:
    """The path segment of a user: users have nobody above them, so a dot is part of the name."""
    if isinstance(user, User):
        return segment(user.id)
    is_key = is_id(user) or user.startswith('"')
    return segment(user if is_key else quote(user))
