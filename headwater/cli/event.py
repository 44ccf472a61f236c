"""``headwater events``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from headwater.cli.option import Format, Output, Store, Url, connect
from headwater.cli.output import print_data, print_text, summary


def events(
    after: Annotated[int, typer.Option(min=0, help="Go on after the event of this number.")] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more, until interrupted.")
    ] = False,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only of entities of this kind. Repeatable.")
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only of this type, such as entityDeleted. Repeatable."),
    ] = None,
    major: Annotated[bool, typer.Option("--major", help="Only of major versions.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="The most to show; 0 shows all.")] = 0,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show what happened, oldest first, a line each; JSON, too, is one object a line.

    Following goes on through lost connections. Interrupted, it ends with code 0 and says where to
    go on.

    Example:
      headwater events --kind table --major --follow
      headwater events --after 1200 -o json | jq .entity.fullyQualifiedName
    """
    with (
        connect(url, store) as hw,
        hw.events(
            after=after, kinds=kind, types=type_, major=major, follow=follow, limit=limit or None
        ) as found,
    ):
        try:
            for event in found:
                _print(event, output)
        except KeyboardInterrupt:
            typer.echo(f"headwater: go on with --after {found.cursor}", err=True)


def _print(event: dict[str, Any], output: Format) -> None:
    if output is Format.json:
        typer.echo(json.dumps(event, ensure_ascii=False))
    elif output is Format.yaml:
        print_data([event], output)
    else:
        print_text(_line(event))


def _line(event: dict[str, Any]) -> str:
    entity, payload = event["entity"], event["payload"]
    about = [entity["type"], entity["fullyQualifiedName"], entity.get("version") or ""]
    if payload.get("major"):
        about.append("major")
    at = summary("updatedAt", event["at"])
    return " ".join([str(event["number"]), at, event["type"], *filter(None, about), event["actor"]])
