"""Paths of tokens, and how one is sent."""

from __future__ import annotations

from headwater.api.openapi.component import Schema, ref
from headwater.api.openapi.operation import (
    PRODUCER,
    TEXT,
    Operation,
    answer,
    json_body,
    operation,
    parameter,
)

TOKEN: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "Asked for once a token was made; before that only this machine is served."
    " Viewers read, editors write, admins also erase and manage tokens.",
}


def token_paths() -> dict[str, dict[str, Operation]]:
    """The path items of tokens, below the API's base."""
    which = parameter("id", "The token's id, which is no secret.", TEXT, where="path")
    return {
        "/tokens": {
            "get": operation(
                "listTokens", "tokens", "List every token, expired and revoked ones too.",
                answers=answer("All of them, newest first.", ref("TokenPage")), problems="",
            ),
            "post": operation(
                "createToken", "tokens", "Make a token; sign-in is on from then on.",
                parameters=[PRODUCER], body=json_body(ref("CreateToken")),
                answers=answer("The token with its secret.", ref("NewToken"), status="201"),
                problems="409",
            ),
        },
        "/tokens/{id}": {
            "delete": operation(
                "revokeToken", "tokens", "Revoke a token for good.",
                parameters=[which, PRODUCER],
                answers=answer("The token.", ref("Token")), problems="404",
            )
        },
    }  # fmt: skip
