"""``headwater resume``: record what a run kept while the catalog was away."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.model import client
from headwater.cli.option import Store, Url
from headwater.cli.output import print_text


def resume(
    journals: Annotated[list[str], typer.Argument(metavar="FILE...", help="The runs' journals.")],
    url: Url = None,
    store: Store = None,
) -> None:
    """Record runs from the journals that they kept while the catalog was away.

    A run whose server vanishes goes on, and names its journal in a warning. What is recorded is
    deleted from the folder; broken off, it can be repeated.

    Example:
      headwater resume .headwater/journal/2026-05-03T12:00:00Z-a1b2c3.jsonl
    """
    for journal in journals:
        with client(url, store) as control:
            number = control.send_journal(journal)
        print_text(f"recorded {journal}: {number} messages")
