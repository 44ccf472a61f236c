"""``headwater impact`` and ``models``: what breaks, who reads tagged data, what learned from it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from headwater.cli.failure import REACHED
from headwater.cli.option import AsOf, Format, KindOption, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text
from headwater.errors import InvalidInputError, NotFoundError
from headwater.sdk import Headwater, Impact, TaggedSources


class Report(StrEnum):
    """How an impact is printed."""

    table = "table"
    json = "json"
    yaml = "yaml"
    markdown = "markdown"


_Depth = Annotated[int, typer.Option(min=1, max=100, help="The most steps to go.")]
_Limit = Annotated[
    int | None, typer.Option(min=1, max=10_000, help="The most to list; all are counted.")
]
_Stage = Annotated[
    str | None, typer.Option(help="Only versions in it, and models that have one there.")
]
_MODEL = "mlmodel:"
_ANY = "any"
"""What ``--fail-on`` takes beside stages: any model at all."""
_Ask = Callable[[str | None, int | None], Impact | TaggedSources]
"""Asks the question again, about one stage and listing so many."""


def impact(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="FQN, or KIND:FQN (also column: and mlFeature:)."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="In place of NAME: a tag, or a classification (any of it).")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="With --tag: which such data this model reads.")
    ] = None,
    depth: _Depth = 100,
    stage: _Stage = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="All that breaks if it is dropped, and is broken now.")
    ] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE|any", help="End with code 10 if that is reached; repeatable."),
    ] = None,
    certain_only: Annotated[
        bool,
        typer.Option("--certain-only", help="--fail-on passes what is reached by tables alone."),
    ] = False,
    kind: KindOption = None,
    as_of: AsOf = None,
    limit: _Limit = None,
    output: Annotated[
        Report, typer.Option("--output", "-o", help="How to print the result.")
    ] = Report.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Name the models and versions that a column, table, feature or tag reaches.

    A tag is followed from what has it, through lineage, up to steps that mask. With --model the
    question is which such data the model, in any of its versions, is made from.

    Example:
      headwater impact shop.main.raw.customers.age
      headwater impact shop.main.raw.customers --drop --fail-on production -o markdown
      headwater impact --tag PII.Sensitive --stage production
      headwater impact --tag PII --model churn --fail-on any
    """
    given = {"--drop": drop, "--as-of": as_of is not None, "--kind": kind and model is None}
    _check(name, tag, model, [option for option, is_given in given.items() if is_given])
    with connect(url, store) as hw:

        def ask(stage: str | None, limit: int | None) -> Impact | TaggedSources:
            if name is not None:
                return hw.impact(
                    name, kind=kind, depth=depth, stage=stage, as_of=as_of, drop=drop, limit=limit
                )
            if model is None:
                return hw.tag_impact(str(tag), depth=depth, stage=stage, limit=limit)
            return _sources(hw, model, str(tag), kind, depth, stage, limit)

        found = ask(stage, limit)
        failed = [each for each in fail_on or () if _reached(ask, each, certain_only=certain_only)]
    _print(found, output)
    if failed:
        names = " and ".join(failed)
        typer.echo(f"headwater: --fail-on {names}: reached", err=True)
        raise typer.Exit(REACHED)


def models(
    trained_on: Annotated[
        str, typer.Option(metavar="NAME", help="A table or column: FQN, or KIND:FQN.")
    ],
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="FROM TO", help="When the training ended: ISO 8601, both included."),
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Only versions in it.")] = None,
    depth: _Depth = 100,
    kind: KindOption = None,
    limit: _Limit = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Name the versions of models that were trained on a table or column, directly or by views.

    Times are UTC unless they have an offset; a date as the end means the end of that day.

    Example:
      headwater models --trained-on shop.main.raw.customers
      headwater models --trained-on shop.main.raw.customers --between 2026-01-01 2026-01-31
    """
    since, until = between or (None, None)
    with connect(url, store) as hw:
        found = hw.trained_on(
            trained_on,
            since=since,
            until=until,
            kind=kind,
            stage=stage,
            depth=depth,
            limit=limit,
        )
    if output is Format.table:
        print_text(str(found))
    else:
        print_data(found.to_wire(), output)


def _check(name: str | None, tag: str | None, model: str | None, given: list[str]) -> None:
    """Refuse what does not go together.

    Raises:
        InvalidInputError: It does not.
    """
    if (name is None) == (tag is None):
        raise InvalidInputError("say what is asked about: a NAME, or --tag TAG")
    if model is not None and tag is None:
        raise InvalidInputError("--model goes with --tag: which such data the model reads")
    if tag is not None and given:
        raise InvalidInputError(f"{given[0]} does not go with --tag, which asks about what is now")


def _sources(
    hw: Headwater,
    model: str,
    tag: str,
    kind: str | None,
    depth: int,
    stage: str | None,
    limit: int | None,
) -> TaggedSources:
    """Ask about a model, which may be named as people call it: without its service."""
    try:
        return hw.tagged_sources(model, tag, kind=kind, depth=depth, stage=stage, limit=limit)
    except NotFoundError as error:
        meant = [each for each in error.details.get("candidates", ()) if each.startswith(_MODEL)]
        if len(meant) != 1:
            raise
        return hw.tagged_sources(meant[0], tag, depth=depth, stage=stage, limit=limit)


def _reached(ask: _Ask, stage: str, *, certain_only: bool) -> bool:
    """Whether something of a stage is reached; where not all could be followed, it counts as so."""
    found = ask(None if stage.lower() == _ANY else stage, 1)
    perhaps = 0 if certain_only else found.table_level_total
    return bool(found.total or perhaps or found.cut)


def _print(found: Impact | TaggedSources, output: Report) -> None:
    if output is Report.markdown:
        print_text(found.to_markdown().rstrip("\n"))
    elif output is Report.table:
        print_text(str(found))
    else:
        print_data(found.to_wire(), Format(output.value))
