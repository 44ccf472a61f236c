"""Answers as Markdown for a comment on a pull request (GitHub's dialect). Names stay names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from headwater.sdk.lineage import LineageNode


def code(text: str) -> str:
    """Text as a code span: nothing in it formats, links, mentions or ends a line or a cell."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # A space inside each fence is taken off again, but from nothing but spaces.
    pad = " " if shown.strip(" ") and (shown[0] in "` " or shown[-1] in "` ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


def way(path: Iterable[LineageNode]) -> str:
    """The steps of a path in a cell."""
    return " → ".join(code(step.fully_qualified_name) for step in path)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table. Cells are Markdown; the head is plain words."""
    lines = chain([head, ["---"] * len(head)], rows)
    return [f"| {' | '.join(line)} |" for line in lines]
