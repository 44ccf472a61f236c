"""Options that several commands share, and the client that they make."""

from __future__ import annotations

import os
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from headwater.errors import InvalidInputError, NotFoundError
from headwater.schemas import Kind, use_folder
from headwater.sdk import Headwater
from headwater.sdk.address import find_kind_named, kind_of
from headwater.settings import Settings

MOMENT = "a time (ISO 8601), a sequence number, or version:0.3"
DEFAULT_URL = "http://127.0.0.1:8585"


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    json = "json"
    yaml = "yaml"


Url = Annotated[
    str | None,
    typer.Option(envvar="HEADWATER_URL", help="The server.", show_default=DEFAULT_URL),
]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|URL",
        help="Work on a store in process, without a server; HEADWATER_STORE where none is said.",
    ),
]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="HEADWATER_STORE",
        metavar="FILE|URL",
        help="The store: a file, sqlite:///path.db, or neo4j://user:password@host:7687.",
    ),
]
DEFAULT_STORE = "sqlite:///headwater.db"
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the result.")]
KindOption = Annotated[str | None, typer.Option("--kind", help="What a bare name or id is of.")]
_Values = list[str] | None
Service = Annotated[_Values, typer.Option(help="Only below this service. Repeatable.")]
Owner = Annotated[
    _Values, typer.Option(help="Only what this user or team (team:data) owns. Repeatable.")
]
Tag = Annotated[_Values, typer.Option(help="Only what has this tag. Repeatable.")]
InStage = Annotated[
    _Values,
    typer.Option("--stage", help="Only versions in this stage, and models. Repeatable."),
]
AsOf = Annotated[
    str | None,
    typer.Option(help="As it was at a time (ISO 8601), a sequence number, or version:0.3."),
]


def connect(url: str | None, store: str | None, *, create: bool = False) -> Headwater:
    """Make the client that the options ask for, else the environment, as ``headwater.connect``.

    ``--store`` goes before ``--url`` and ``HEADWATER_URL``, these before ``HEADWATER_STORE``.

    Args:
        url: Address of a server.
        store: A store to open in process.
        create: A file that is not there is made, and an empty database filled.

    Raises:
        NotFoundError: The file of a store is not there, or a database is empty.
    """
    store = store or (os.environ.get("HEADWATER_STORE") if url is None else None)
    if not store:
        return Headwater(url or DEFAULT_URL)
    if not create:
        check_file(store)
        _check_filled(store)
    return Headwater.open(store)


def use_own_kinds() -> None:
    """Use the organisation's own schemas, where the environment names a folder of them.

    Raises:
        InvalidInputError: They cannot be used.
    """
    if folder := Settings.from_env().schemas:
        use_folder(folder)


def check_file(store: str) -> None:
    """Refuse a store whose file is not there: opening it would make one.

    Raises:
        NotFoundError: It is not there.
    """
    path = store.removeprefix("sqlite:///")
    if path and "://" not in path and not Path(path).expanduser().exists():
        raise NotFoundError(
            f"there is no file {path!r}; --store names another, `headwater apply --store` makes one"
        )


def _check_filled(store: str) -> None:
    """Refuse a server's database that holds nothing: opening it would put a catalog there.

    Raises:
        NotFoundError: It holds nothing.
    """
    if "://" not in store or store.startswith("sqlite:"):
        return
    from headwater.store import open_store

    with closing(open_store(store)) as opened:
        if not opened.sequence():
            raise NotFoundError(
                "the database holds nothing; `headwater apply --store` puts a catalog there"
            )


def entity_text(words: list[str]) -> tuple[str, str | None]:
    """Read ``KIND NAME`` or ``KIND:NAME`` into a name and the kind, if one is said.

    Raises:
        InvalidInputError: There are more words or none, or one that is a kind.
    """
    if len(words) == 1:
        if (kind := find_kind_named(words[0])) is not None:
            raise InvalidInputError(f"{words[0]!r} is a kind; say which {kind.name}: KIND NAME")
        return words[0], None
    if len(words) == 2:
        return words[1], words[0]
    raise InvalidInputError("say which entity: KIND NAME, or KIND:NAME")


def entity_and(words: list[str], wanted: str) -> tuple[str, str | None, str]:
    """Read words that name an entity, as ``entity_text`` does, and one more.

    Args:
        words: As typed.
        wanted: What the last one is, and how to say it all, for the message.

    Raises:
        InvalidInputError: One of them is missing.
    """
    if len(words) < 2 or (len(words) == 2 and find_kind_named(words[0])):
        raise InvalidInputError(f"say which entity and {wanted}")
    return *entity_text(words[:-1]), words[-1]


def kind_named(hw: Headwater, name: str) -> Kind:
    """The kind that a word names; the server tells of an organisation's own.

    Raises:
        InvalidInputError: There is no such kind; the message lists those there are.
    """
    return kind_of(hw.kind(name).entity_class)
