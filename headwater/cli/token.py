"""``headwater token``: create, list and revoke."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from headwater.cli.option import Format, Output, Store, Url, connect
from headwater.cli.output import print_data, print_table, print_text
from headwater.errors import InvalidInputError

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Role(StrEnum):
    """What a token's holder may do."""

    viewer = "viewer"
    editor = "editor"
    admin = "admin"


class Holder(StrEnum):
    """What a token's holder writes as."""

    person = "person"
    bot = "bot"


def token() -> None:
    """Make, list and revoke the tokens that sign in.

    On a store (--store) whoever may open it may do so; a server (--url or HEADWATER_URL) takes an
    admin's token, which HEADWATER_TOKEN holds.

    Example:
      headwater token create anna --role admin --store sqlite:///headwater.db
      headwater token list
    """


def create(
    user: Annotated[str, typer.Argument(help="Name of the user; made when not there.")],
    role: Annotated[Role, typer.Option(help="Viewers read, editors write, admins do all.")],
    kind: Annotated[
        Holder | None, typer.Option(help="What the holder writes as.", show_default="as the user")
    ] = None,
    expires_in: Annotated[
        str, typer.Option(metavar="TIME", help="Such as 90d, 12h, 30m; or never.")
    ] = "90d",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Make a token and show its secret, this once.

    Once there is a token, a server asks everybody for one. With --store the first is made with
    nothing running.

    Example:
      headwater token create anna --role admin --store sqlite:///headwater.db
      headwater token create nightly --role editor --kind bot --expires-in 365d
    """
    life = _life(expires_in)
    with connect(url, store, create=True) as hw:
        made = hw.create_token(
            user,
            role=role.value,
            kind=None if kind is None else kind.value,
            expires_in=life,
            description=description,
        )
    if output is not Format.table:
        print_data(made, output)
        return
    until = f"until {_time(made['expiresAt'])}" if "expiresAt" in made else "until it is revoked"
    about = f"{made['role']}, {made['kind']} {made['user']['name']}, {until}"
    typer.echo(f"headwater: token {made['id']} ({about}); keep it, it is not shown again", err=True)
    print_text(made["secret"])


def list_(output: Output = Format.table, url: Url = None, store: Store = None) -> None:
    """List tokens, newest first; secrets are nowhere to be shown.

    Example:
      headwater token list
      headwater token list --store sqlite:///headwater.db
    """
    with connect(url, store) as hw:
        found = hw.tokens()
    if output is not Format.table:
        print_data(found, output)
        return
    columns = ["id", "user", "kind", "role", "state", "created", "by", "description"]
    print_table(columns, [_row(token) for token in found])


def revoke(
    token_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `headwater token list` has it.")
    ],
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Take a token back, for good.

    Example:
      headwater token revoke 0123456789abcdef
    """
    with connect(url, store) as hw:
        revoked = hw.revoke_token(token_id)
    if output is Format.table:
        print_text(f"revoked {revoked['id']} of {revoked['user']['name']}")
    else:
        print_data(revoked, output)


TOKEN_COMMANDS = (create, list_, revoke)


def _life(text: str) -> timedelta | None:
    if text == "never":
        return None
    match = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if match is None:
        raise InvalidInputError(f"--expires-in is such as 90d, 12h or 30m, or never; not {text!r}")
    return int(match[1]) * _UNITS[match[2]]


def _row(token: dict[str, Any]) -> list[str]:
    return [
        token["id"],
        token["user"]["name"],
        token["kind"],
        token["role"],
        _state(token),
        _time(token["createdAt"]),
        token["createdBy"],
        token["description"],
    ]


def _state(token: dict[str, Any]) -> str:
    if "revokedAt" in token:
        return f"revoked {_time(token['revokedAt'])} by {token['revokedBy']}"
    if "expiresAt" not in token:
        return "valid"
    over = token["expiresAt"] <= datetime.now(tz=UTC).timestamp() * 1000
    return f"{'expired' if over else 'valid until'} {_time(token['expiresAt'])}"


def _time(at: int) -> str:
    """A time of the wire for people, in UTC, to the minute."""
    return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%d %H:%M}"
