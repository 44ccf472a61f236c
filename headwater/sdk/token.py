"""Tokens, which admins make and revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from headwater.sdk.address import segment
from headwater.sdk.session import Session


class TokenCalls(Session):
    """What a client can do about tokens; each call takes the role ``admin``."""

    def create_token(
        self,
        user: str,
        *,
        role: Literal["viewer", "editor", "admin"],
        kind: Literal["person", "bot"] | None = None,
        expires_in: timedelta | None = timedelta(days=90),
        description: str = "",
    ) -> dict[str, Any]:
        """Make a token and return it with its ``secret``, which nothing shows again.

        Sign-in is on from then on: the server asks everybody for a token.

        Args:
            user: Name of a user, who is created when not there.
            role: What the holder may do: viewers read, editors write, admins also erase and
                manage tokens.
            kind: What the holder writes as; by default what the user is (a new one: a person).
            expires_in: How long it counts, in whole seconds; None: until it is revoked.
            description: What it is for.

        Raises:
            ConflictError: The user is deleted, or is a bot and the token would be a person's.
            AccessError: The caller is no admin, or is a bot and the token would be a person's.
        """
        body = {
            "user": user,
            "role": role,
            "kind": kind,
            "expiresIn": None if expires_in is None else int(expires_in.total_seconds()),
            "description": description,
        }
        made: dict[str, Any] = self._wire.send("POST", "/tokens", body=body).data
        return made

    def tokens(self) -> list[dict[str, Any]]:
        """Return every token, newest first: expired and revoked ones too, none with its secret."""
        found: list[dict[str, Any]] = self._wire.send("GET", "/tokens").data["data"]
        return found

    def revoke_token(self, token_id: str) -> dict[str, Any]:
        """Take a token back for good and return it.

        Args:
            token_id: Its id, as ``tokens`` lists it. Of a secret the id is taken, and no more sent.

        Raises:
            NotFoundError: There is no such token.
        """
        if token_id.startswith("hw_"):
            token_id = token_id.split("_")[1]
        revoked: dict[str, Any] = self._wire.send("DELETE", f"/tokens/{segment(token_id)}").data
        return revoked
