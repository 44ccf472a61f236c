"""``headwater search``."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.option import (
    Format,
    InStage,
    Output,
    Owner,
    Service,
    Store,
    Tag,
    Url,
    connect,
)
from headwater.cli.output import as_item, print_data, print_table


def search(
    words: Annotated[
        list[str] | None, typer.Argument(help='Words; begun*; or "side by side".')
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind. Repeatable.")] = None,
    service: Service = None,
    owner: Owner = None,
    tag: Tag = None,
    stage: InStage = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most to show.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Find entities by the words in them, best first; without words the options decide.

    Example:
      headwater search customer id --kind table
      headwater search --tag Privacy.PII -o json
      headwater search '"customer id"' 'churn*'
    """
    with connect(url, store) as hw:
        found = hw.search(
            " ".join(words or ()),
            kind=kind,
            service=service,
            owner=owner,
            tag=tag,
            stage=stage,
            limit=limit,
            offset=offset,
        )
    items = [as_item(entity) for entity in found]
    if output is not Format.table:
        beside = {"approximate": found.approximate, "facets": found.facets}
        print_data({"total": found.total, **beside, "data": items}, output)
        return
    rows = [
        [each["kind"], each["fullyQualifiedName"], " ".join(each.get("description", "").split())]
        for each in items
    ]
    print_table(["kind", "name", "description"], rows)
    if found.total > offset + len(items):
        about = "more than " if found.approximate else ""
        typer.echo(
            f"headwater: {len(items)} of {about}{found.total} are shown; --limit shows more,"
            f" --offset {offset + len(items)} goes on",
            err=True,
        )
