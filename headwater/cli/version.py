"""``headwater versions`` and ``diff``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headwater.cli.entity import Words
from headwater.cli.option import Format, Output, Store, Url, connect, entity_text
from headwater.cli.output import as_item, print_data, print_table, print_text, summary
from headwater.errors import InvalidInputError
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
    words: Annotated[list[str], typer.Argument(metavar="KIND NAME FROM TO")],
    output: Output = Format.table,
    url: Url = None,
    store: Store = None,
) -> None:
    """Show what changed between two versions.

    Example:
      headwater diff mlmodel headwater.churn 0.1 1.0
    """
    if len(words) < 3 or (len(words) == 3 and find_kind_named(words[0])):
        raise InvalidInputError("say which entity and two versions of it: KIND NAME FROM TO")
    name, kind = entity_text(words[:-2])
    with connect(url, store) as hw:
        found = hw.diff(name, words[-2], words[-1], kind=kind)
    if output is Format.table:
        print_text(str(found))
    else:
        print_data(found.to_wire(), output)


def _changes(version: dict[str, Any]) -> str:
    change = version.get("changeDescription", {})
    signs = (("", "fieldsUpdated"), ("+", "fieldsAdded"), ("-", "fieldsDeleted"))
    return ", ".join(sign + each["name"] for sign, key in signs for each in change.get(key, []))
