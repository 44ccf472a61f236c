"""``headwater lineage``, ``path``, ``roots``, ``cycles`` and ``link``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Protocol

import typer

from headwater.cli.failure import exit_code
from headwater.cli.option import MOMENT, AsOf, Format, KindOption, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text
from headwater.errors import InvalidInputError, NotFoundError
from headwater.sdk import Headwater, Lineage, LineageDiff

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="FQN, or KIND:FQN (also column: and mlFeature:).")
]
From = Annotated[str, typer.Argument(metavar="FROM", help="Where the data comes from: a name.")]
To = Annotated[str, typer.Argument(metavar="TO", help="Where it goes: a name.")]
Depth = Annotated[int, typer.Option(min=1, max=100, help="The most steps to go.")]


class Level(StrEnum):
    """How fine a lineage is."""

    entity = "entity"
    feature = "feature"
    column = "column"


class Fineness(StrEnum):
    """How fine an analysis is."""

    entity = "entity"
    column = "column"


class PathLevel(StrEnum):
    """How fine a path is."""

    any = "any"
    column = "column"
    entity = "entity"


_Level = Annotated[
    Level | None, typer.Option(help="How fine; column for a part and else entity, unless said.")
]
_Fineness = Annotated[
    Fineness | None, typer.Option(help="How fine; column for a part and else entity, unless said.")
]


class _Answer(Protocol):
    def to_wire(self) -> dict[str, Any]: ...


def lineage(
    name: Name,
    upstream: Annotated[int, typer.Option(min=0, help="Steps against the flow of data.")] = 3,
    downstream: Annotated[int, typer.Option(min=0, help="Steps with the flow of data.")] = 3,
    level: _Level = None,
    kind: KindOption = None,
    as_of: AsOf = None,
    since: Annotated[str | None, typer.Option(help=f"What changed since {MOMENT}.")] = None,
    until: Annotated[
        str | None, typer.Option(help="With --since: up to then, in place of now.")
    ] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Draw what something is made from, and what is made from it; or tell what changed.

    Example:
      headwater lineage mlmodel:headwater.churn --level feature
      headwater lineage shop.main.raw.customers --upstream 0 --downstream 5
      headwater lineage mlmodel:headwater.churn --since version:0.1
    """
    if since is None and until is not None:
        raise InvalidInputError("--until goes with --since; --as-of shows one moment")
    if since is not None and as_of is not None:
        raise InvalidInputError("--as-of shows one moment; --since and --until compare two")
    with connect(url, store) as hw:
        found: Lineage | LineageDiff
        if since is not None:
            found = hw.lineage_diff(
                name,
                since,
                until,
                kind=kind,
                upstream=upstream,
                downstream=downstream,
                level=level.value if level else None,
            )
        else:
            found = hw.lineage(
                name,
                kind=kind,
                upstream=upstream,
                downstream=downstream,
                level=level.value if level else None,
                as_of=as_of,
            )
    _print(found, output)


def path(
    source: From,
    target: To,
    level: Annotated[
        PathLevel, typer.Option(help="How fine; any takes the finer way if there is one.")
    ] = PathLevel.any,
    as_of: AsOf = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show the shortest way that data takes from one thing to another; code 3 if there is none.

    From a column that no column leads on, the way of its table is shown, with a note that it is
    just that; --level column does not show it, and ends in code 3.

    Example:
      headwater path shop.main.raw.customers.age mlmodel:headwater.churn
      headwater path shop.main.raw.customers.age mlmodel:headwater.churn --level column
    """
    with connect(url, store) as hw:
        found = hw.lineage_path(source, target, level=level.value, as_of=as_of)
    _print(found, output)
    if not found:
        raise typer.Exit(exit_code(NotFoundError("no path")))


def roots(
    name: Name,
    depth: Depth = 100,
    level: _Fineness = None,
    kind: KindOption = None,
    as_of: AsOf = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Name what nothing feeds, among everything that feeds something.

    Example:
      headwater roots mlmodel:headwater.churn --level column
    """
    with connect(url, store) as hw:
        found = hw.lineage_roots(
            name, kind=kind, level=level.value if level else None, depth=depth, as_of=as_of
        )
    _print(found, output)


def cycles(
    name: Name,
    depth: Depth = 100,
    level: _Fineness = None,
    kind: KindOption = None,
    as_of: AsOf = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show the circles that data goes in, among everything that something reaches.

    Example:
      headwater cycles shop.main.raw.customers
    """
    with connect(url, store) as hw:
        found = hw.lineage_cycles(
            name, kind=kind, level=level.value if level else None, depth=depth, as_of=as_of
        )
    _print(found, output)


def link(
    source: From,
    target: To,
    delete: Annotated[
        bool, typer.Option("--delete", help="Take the edge away; what machines say stays away.")
    ] = False,
    description: Annotated[str | None, typer.Option(help="What the step does.")] = None,
    sql: Annotated[str | None, typer.Option(help="The SQL that does it.")] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Say that data flows from one thing to another, or that it does not.

    Example:
      headwater link table:shop.main.raw.orders dashboard:bi.sales --description "hourly"
      headwater link table:shop.main.raw.orders dashboard:bi.sales --delete
    """
    details = {"description": description, "sqlQuery": sql}
    given = {name: value for name, value in details.items() if value is not None}
    if delete and given:
        raise InvalidInputError("--delete takes no --description and no --sql")
    with connect(url, store) as hw:
        edge = hw.delete_edge(source, target) if delete else _put(hw, source, target, given)
    if output is Format.table:
        ends = " → ".join(f"{edge[e]['kind']} {edge[e]['fullyQualifiedName']}" for e in _ENDS)
        print_text(f"{'taken away' if delete else 'linked'}: {ends}")
    else:
        print_data(edge, output)


_ENDS = ("fromEntity", "toEntity")


def _put(hw: Headwater, source: str, target: str, given: dict[str, str]) -> dict[str, Any]:
    return hw.put_edge(source, target, details=given or None)


def _print(found: _Answer, output: Format) -> None:
    if output is Format.table:
        print_text(str(found))
    else:
        print_data(found.to_wire(), output)
