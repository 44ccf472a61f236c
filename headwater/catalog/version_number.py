"""Numbers and names of model versions: which number a new one gets, which words name none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headwater.catalog.stage import LATEST
from headwater.errors import ConflictError, InvalidInputError
from headwater.names import child
from headwater.store.base import Store
from headwater.store.draft import Actor, Document
from headwater.store.stage import STAGES, find_own_stage

NUMBERED = "modelVersion"
"""The type of the records of a model that tell which version has which number."""
_NUMBER = re.compile("[1-9][0-9]{0,8}")


def new_number(store: Store, model_id: str, name: str, *, last: int, actor: Actor) -> int:
    """Return the number of a new version.

    A producer whose source numbers versions itself keeps its numbers, gaps and all: a name that is
    a number is the number, if that was never given. Any other version gets the next.

    Args:
        last: The highest number that was given.

    Raises:
        InvalidInputError: The name is a stage, ``latest``, or another number.
    """
    keeps = actor.kind == "bot" and _NUMBER.fullmatch(name)
    number = last + 1
    if keeps and not store.entries(entity_ids=[model_id], types=[NUMBERED], keys=[name], limit=1):
        number = int(name)
    check_version_name(store, name, number)
    return number


def check_version_name(store: Store, name: str, number: int) -> None:
    """Refuse a name that selectors would take for something else.

    Raises:
        InvalidInputError: It is a stage, ``latest``, or another number than the version's own.
    """
    if name.isascii() and name.isdigit() and name != str(number):
        raise InvalidInputError.at(
            "/name",
            f"{name!r} would name a version by another's number: the version's own is {number},"
            " which it has without a name, too",
        )
    if name != str(number):
        check_word(store, name, "/name")


def check_hides_nothing(store: Store, model_fqn: str, alias: str, version_id: str) -> None:
    """Refuse an alias that is another version's name: that version would not be found by it.

    Raises:
        ConflictError: It is; the version is named.
    """
    found = store.find((NUMBERED, child(model_fqn, alias)))
    if found is not None and not found.deleted and found.id != version_id:
        raise ConflictError(
            f"{alias!r} is the name of modelVersion {found.fqn!r}, which an alias of another"
            " version would hide; choose another alias"
        )


def check_not_hidden(name: str, aliases: Mapping[str, Document], version_id: str) -> None:
    """Refuse a version's name that is the alias of another: the alias is what is found by it.

    Raises:
        ConflictError: It is; the version that has the alias is named.
    """
    held = aliases.get(name)
    if held and held["id"] != version_id and not name.isdecimal():
        raise ConflictError(
            f"{name!r} is an alias of version {held['name']!r}, which is found by it; choose"
            " another name, or take the alias away first"
        )


def check_word(store: Store, word: str, pointer: str) -> None:
    """Refuse a name or alias that a selector would take for something else.

    Raises:
        InvalidInputError: It is a stage, ``latest``, or a number.
    """
    means_other = word.lower() in (LATEST, *STAGES) or (word.isascii() and word.isdigit())
    if means_other or find_own_stage(store, word.lower()):
        raise InvalidInputError.at(
            pointer,
            f"{word!r} cannot name a version: stages, 'latest' and numbers select by others",
        )
