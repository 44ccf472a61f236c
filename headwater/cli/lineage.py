"""``headwater lineage`` and ``impact``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from headwater.cli.option import AsOf, Format, KindOption, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="FQN, or KIND:FQN (also column: and mlFeature:).")
]


class Level(StrEnum):
    """How fine a lineage is."""

    entity = "entity"
    feature = "feature"
    column = "column"


def lineage(
    name: Name,
    upstream: Annotated[int, typer.Option(min=0, help="Steps against the flow of data.")] = 3,
    downstream: Annotated[int, typer.Option(min=0, help="Steps with the flow of data.")] = 3,
    level: Annotated[Level, typer.Option(help="How fine.")] = Level.entity,
    kind: KindOption = None,
    as_of: AsOf = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Draw what something is made from, and what is made from it.

    Example:
      headwater lineage mlmodel:headwater.churn --level feature
      headwater lineage shop.main.raw.customers --upstream 0 --downstream 5
    """
    with connect(url, store) as hw:
        found = hw.lineage(
            name,
            kind=kind,
            upstream=upstream,
            downstream=downstream,
            level=level.value,
            as_of=as_of,
        )
    if output is Format.table:
        print_text(found.tree())
    else:
        print_data(found.to_wire(), output)


def impact(
    name: Name,
    depth: Annotated[int, typer.Option(min=1, help="Steps with the flow of data.")] = 8,
    kind: KindOption = None,
    as_of: AsOf = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Name the models that a column, table or feature reaches.

    Example:
      headwater impact shop.main.raw.customers.age
    """
    with connect(url, store) as hw:
        found = hw.impact(name, kind=kind, depth=depth, as_of=as_of)
    if output is Format.table:
        print_text(found.tree())
    else:
        print_data(found.to_wire(), output)
