"""``headwater get``, ``list``, ``delete`` and ``restore``."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from headwater.cli.option import Format, Output, Store, Url, connect, entity_text
from headwater.cli.output import (
    as_item,
    print_data,
    print_entity,
    print_table,
    print_text,
    summary,
)
from headwater.document import Document
from headwater.schemas import Kind
from headwater.sdk.address import kind_of
from headwater.sdk.entities import Include

_HEADINGS = {"fullyQualifiedName": "name", "updatedAt": "updated", "updatedBy": "by"}
Words = Annotated[list[str], typer.Argument(metavar="KIND NAME", help="Or KIND:NAME, or an id.")]


def get(
    words: Words,
    output: Output = Format.table,
    deleted: Annotated[bool, typer.Option(help="Show it even when it is deleted.")] = False,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show one entity.

    Example:
      headwater get mlmodel headwater.churn
      headwater get tables shop.main.raw.customers -o yaml
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        print_entity(hw.resolve(name, kind=kind, deleted=deleted), output)


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as mlmodel.")],
    parent: Annotated[str | None, typer.Option(help="Only what is directly below this.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="The most to show; 0 shows all.")] = 100,
    deleted: Annotated[bool, typer.Option("--deleted", help="Show the deleted ones.")] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the entities of a kind.

    Example:
      headwater list mlmodels
      headwater list tables --parent shop.main.raw -o json
    """
    asked = kind_of(kind)
    include: Include = "deleted" if deleted else "non-deleted"
    with connect(url, store) as hw:
        found = hw.list(
            asked.name, limit=limit + 1 if limit else None, parent=parent, include=include
        )
        shown = list(islice(found, limit or None))
        more = next(found, None) is not None
    if output is Format.table:
        columns = ["fullyQualifiedName", "version", "updatedAt", "updatedBy", *_telling(asked)]
        headings = [_HEADINGS.get(name, name) for name in columns]
        print_table(headings, [_row(entity, columns) for entity in shown])
    else:
        print_data([as_item(entity) for entity in shown], output)
    if more:
        typer.echo(f"headwater: there are more than {limit}; --limit 0 shows all", err=True)


def delete(
    words: Words,
    recursive: Annotated[bool, typer.Option(help="Delete what is below it too.")] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Delete an entity; `restore` brings it back.

    Example:
      headwater delete mlmodel headwater.churn
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        _report("deleted", hw.delete(name, kind=kind, recursive=recursive), output)


def restore(
    words: Words, output: Output = Format.table, url: Url = None, store: Store = None
) -> None:
    """Bring a deleted entity back.

    Example:
      headwater restore mlmodel headwater.churn
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        _report("restored", hw.restore(name, kind=kind), output)


def _report(word: str, entity: Document, output: Format) -> None:
    item = as_item(entity)
    if output is Format.table:
        print_text(f"{word} {item['kind']} {item['fullyQualifiedName']} {item['version']}")
    else:
        print_data(item, output)


def _telling(kind: Kind) -> list[str]:
    """Plain fields of the kind itself that people search by, and the description."""
    fields = kind.shape.fields.values()
    own = [f.name for f in fields if f.searchable and f.shape is None and not f.is_list]
    names = [
        n for n in own if n not in ("name", "displayName", "fullyQualifiedName", "description")
    ]
    return [*names, "description"]


def _row(entity: Document, columns: list[str]) -> list[str]:
    fields = entity.to_wire()
    return [" ".join(summary(n, fields[n]).split()) if n in fields else "" for n in columns]
