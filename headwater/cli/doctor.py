"""``headwater doctor``."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli.failure import FAILED
from headwater.cli.option import DEFAULT_STORE, Format, StoreUrl, check_file, use_own_kinds
from headwater.cli.output import print_data, print_table, print_text
from headwater.errors import StoreError

if TYPE_CHECKING:
    from headwater.catalog.doctor import Diagnosis


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Look for what is wrong with a store; change nothing.

    Counts entities, and finds lineage out of dropped columns and deleted entities, references to
    what is deleted, production models without lineage, entities that the schema files in use do not
    know or refuse, an older layout, an import that was interrupted. Ends with 1 when somebody
    should do something.

    Example:
      headwater doctor --store sqlite:///headwater.db
      headwater doctor --json
    """
    from headwater.catalog.doctor import examine
    from headwater.store.factory import connect_store

    use_own_kinds()
    check_file(store)
    try:
        with closing(connect_store(store)) as opened:
            found = examine(opened)
    except StoreError as error:
        _report_broken(error, json=json)
        raise typer.Exit(FAILED) from error
    if json:
        print_data(found.to_wire(), Format.json)
    else:
        _print(found)
    if not found.healthy:
        raise typer.Exit(FAILED)


def _report_broken(error: StoreError, *, json: bool) -> None:
    """Report a store that cannot be examined at all."""
    if json:
        finding: dict[str, Any] = {"check": "store", "problem": True, "text": error.message}
        print_data({"healthy": False, "findings": [finding]}, Format.json)
    else:
        print_text(f"problem: {error.message}")


def _print(found: Diagnosis) -> None:
    rows = [[kind, str(n["live"]), str(n["deleted"])] for kind, n in found.counts.items()]
    if rows:
        print_table(["kind", "entities", "deleted"], rows)
    for finding in found.findings:
        word = "problem" if finding.problem else "note"
        print_text(f"\n{word}: {finding.text} ({finding.count})")
        for example in finding.examples:
            print_text(f"  {example}")
        if 0 < len(finding.examples) < finding.count:
            print_text(f"  and {finding.count - len(finding.examples)} more")
    if not found.findings:
        print_text("\nnothing to do")
