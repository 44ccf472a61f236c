"""``headwater versions`` and ``diff``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headwater.cli.entity import Words
from headwater.cli.option import MOMENT, Format, Output, Store, Url, connect, entity_text
from headwater.cli.output import as_item, print_data, print_table, print_text, summary
from headwater.errors import InvalidInputError
from headwater.sdk import Diff
from headwater.sdk.address import find_kind_named


def versions(
    words: Words, output: Output = Format.table, url: Url = None, store: Store = None
) -> None:
    """List an entity's versions, the newest first, with what each changed.

    Example:
      headwater versions mlmodel headwater.churn
    """
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        found = [as_item(entity) for entity in hw.versions(name, kind=kind)]
    if output is not Format.table:
        return print_data(found, output)
    rows = [
        [v["version"], summary("updatedAt", v["updatedAt"]), v["updatedBy"], _changes(v)]
        for v in found
    ]
    print_table(["version", "updated", "by", "changes"], rows)
    return None


def diff(
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME [FROM TO]")],
    lineage: Annotated[
        bool, typer.Option("--lineage", help="Of the lineage around it, --from and --to moments.")
    ] = False,
    since: Annotated[str | None, typer.Option("--from", help=f"The earlier: {MOMENT}.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The later; now unless said.")] = None,
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show what changed between two versions, or what became of the lineage in between.

    The lineage is compared three steps up and down, between entities and column by column;
    `headwater lineage --since` goes further.

    Example:
      headwater diff mlmodel headwater.churn 0.1 1.0
      headwater diff --lineage mlmodel:headwater.churn --from version:0.1 --to 2030-01-01
    """
    if lineage:
        return _lineage_diff(words, since, until, output, url, store)
    if since is not None or until is not None:
        raise InvalidInputError("--from and --to go with --lineage; versions stand after the name")
    if len(words) < 3 or (len(words) == 3 and find_kind_named(words[0])):
        raise InvalidInputError("say which entity and two versions of it: KIND NAME FROM TO")
    name, kind = entity_text(words[:-2])
    with connect(url, store) as hw:
        found = hw.diff(name, words[-2], words[-1], kind=kind)
    _print(found, output)
    return None


def _lineage_diff(
    words: list[str],
    since: str | None,
    until: str | None,
    output: Format,
    url: str | None,
    store: str | None,
) -> None:
    if since is None:
        raise InvalidInputError(f"--lineage needs --from: {MOMENT}")
    name, kind = entity_text(words)
    with connect(url, store) as hw:
        around: dict[str, Any] = {"kind": kind, "upstream": 3, "downstream": 3}
        found = finer = hw.lineage_diff(name, since, until, **around)
        if found.to_wire()["level"] != "column":  # as a part's is
            finer = hw.lineage_diff(name, since, until, **around, level="column")
    if output is not Format.table:
        print_data({**found.to_wire(), "columns": finer.to_wire()}, output)
        return
    print_text(str(found))
    if finer and finer is not found:
        print_text(f"\ncolumn by column:\n{finer}")


def _print(found: Diff, output: Format) -> None:
    if output is Format.table:
        print_text(str(found))
    else:
        print_data(found.to_wire(), output)


def _changes(version: dict[str, Any]) -> str:
    change = version.get("changeDescription", {})
    signs = (("", "fieldsUpdated"), ("+", "fieldsAdded"), ("-", "fieldsDeleted"))
    return ", ".join(sign + each["name"] for sign, key in signs for each in change.get(key, []))
