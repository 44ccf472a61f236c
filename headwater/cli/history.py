"""``headwater rename``, ``revert`` and ``release``."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.option import Format, Output, Store, Url, connect, entity_and
from headwater.cli.output import print_done

_OR = "Or KIND:NAME in place of both."


def rename(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME NEW", help=_OR)],
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Give an entity another name; everything that spells the old one follows.

    Example:
      headwater rename mlmodel headwater.churn leavers
    """
    name, kind, new = entity_and(words, "its new name: KIND NAME NEW")
    with connect(url, store) as hw:
        print_done("renamed", hw.rename(name, new, kind=kind), output)


def revert(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME VERSION", help=_OR)],
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Write a new version with the values of an earlier one.

    Example:
      headwater revert mlmodel headwater.churn 0.1
    """
    name, kind, version = entity_and(words, "the version to go back to: KIND NAME VERSION")
    with connect(url, store) as hw:
        print_done("reverted", hw.revert(name, version, kind=kind), output)


def release(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME FIELD", help=_OR)],
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Hand a field that people wrote back to the connectors.

    Example:
      headwater release table shop.main.raw.customers columns.age.description
    """
    name, kind, field = entity_and(words, "one of its fields: KIND NAME FIELD")
    with connect(url, store) as hw:
        print_done("released", hw.release(name, field, kind=kind), output)
