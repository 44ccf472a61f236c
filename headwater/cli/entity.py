"""``headwater get``, ``list``, ``delete`` and ``restore``."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer

from headwater.cli.option import (
    AsOf,
    Format,
    InStage,
    Output,
    Owner,
    Service,
    Store,
    Tag,
    Url,
    connect,
    entity_text,
    kind_named,
)
from headwater.cli.output import (
    as_item,
    print_data,
    print_done,
    print_entity,
    print_table,
    summary,
)
from headwater.schemas import Kind
from headwater.sdk.address import kind_of
from headwater.sdk.entities import ListOptions, wire_names

_HEADINGS = {"fullyQualifiedName": "name", "updatedAt": "updated", "updatedBy": "by"}
Words = Annotated[list[str], typer.Argument(metavar="KIND NAME", help="Or KIND:NAME, or an id.")]


def get(
    words: Words,
    output: Output = Format.table,
    deleted: Annotated[bool, typer.Option(help="Show it even when it is deleted.")] = False,
    as_of: AsOf = None,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show one entity.

    Example:
      headwater get mlmodel headwater.churn
      headwater get tables shop.main.raw.customers -o yaml
      headwater get mlmodel headwater.churn --as-of version:0.1
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        print_entity(hw.resolve(name, kind=kind, deleted=deleted, as_of=as_of), output)


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as mlmodel.")],
    parent: Annotated[str | None, typer.Option(help="Only what is directly below this.")] = None,
    service: Service = None,
    owner: Owner = None,
    tag: Tag = None,
    stage: InStage = None,
    fields: Annotated[
        str | None, typer.Option(metavar="FIELD,...", help="Show these fields alone.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="The most to show; 0 shows all.")] = 100,
    deleted: Annotated[bool, typer.Option("--deleted", help="Show the deleted ones.")] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """List the entities of a kind.

    Example:
      headwater list mlmodels --stage production --fields algorithm,owners
      headwater list tables --parent shop.main.raw -o json
      headwater list tables --service shop --tag Privacy.PII
    """
    options: ListOptions = {
        "limit": limit + 1 if limit else None,
        "parent": parent,
        "include": "deleted" if deleted else "non-deleted",
        "service": service,
        "owner": owner,
        "tag": tag,
        "stage": stage,
    }
    with connect(url, store) as hw:
        asked = kind_named(hw, kind)
        columns = ["version", "updatedAt", "updatedBy", *_telling(asked)]
        if fields is not None:
            columns = wire_names(asked, (name.strip() for name in fields.split(",")))
            found = hw.rows(asked.name, columns, **options)
        else:
            found = (as_item(entity) for entity in hw.list(asked.name, **options))
        shown = list(islice(found, limit or None))
        more = next(found, None) is not None
    if output is Format.table:
        columns.insert(0, "fullyQualifiedName")
        headings = [_HEADINGS.get(name, name) for name in columns]
        print_table(headings, [_row(each, columns) for each in shown])
    else:
        print_data(shown, output)
    if more:
        typer.echo(f"headwater: there are more than {limit}; --limit 0 shows all", err=True)


def delete(
    words: Words,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Delete what is below it too.")
    ] = False,
    hard: Annotated[
        bool, typer.Option("--hard", help="For good, with versions and lineage; asks first.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Although in production; with --hard, out of what refers to it, too."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --hard: do not ask.")] = False,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Delete an entity; `restore` brings it back, unless it is deleted for good.

    Example:
      headwater delete mlmodel headwater.churn
      headwater delete mlmodel headwater.churn --hard --yes
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        if not hard:
            gone = hw.delete(name, kind=kind, recursive=recursive, force=force)
            return print_done("deleted", gone, output)
        doomed = hw.resolve(name, kind=kind, deleted=True)
        if not yes:
            below = " and everything below it" if recursive else ""
            about = f"{kind_of(type(doomed)).name} {doomed.fully_qualified_name}"
            typer.confirm(f"Delete {about}{below} for good?", abort=True, err=True)
        print_done("erased", hw.erase(doomed, recursive=recursive, force=force), output)
    return None


def restore(
    words: Words, output: Output = Format.table, url: Url = None, store: Store = None
) -> None:
    """Bring a deleted entity back.

    Example:
      headwater restore mlmodel headwater.churn
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        print_done("restored", hw.restore(name, kind=kind), output)


def _telling(kind: Kind) -> list[str]:
    """Where an entity stands, plain fields that people search by, and the description."""
    fields = kind.shape.fields
    standing = [name for name in ("stage", "aliases", "status") if name in fields]
    plain = [f for f in fields.values() if f.searchable and f.shape is None and not f.is_list]
    common = (*standing, "name", "displayName", "fullyQualifiedName", "description")
    return [*standing, *(f.name for f in plain if f.name not in common), "description"]


def _row(fields: dict[str, Any], columns: list[str]) -> list[str]:
    return [" ".join(summary(n, fields[n]).split()) if n in fields else "" for n in columns]
