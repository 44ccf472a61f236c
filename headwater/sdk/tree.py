"""Draws a graph as a text tree with box characters. Iterative: walks may be long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

SEEN = "…(above)"


@dataclass(frozen=True, slots=True)
class Line:
    """One line below another: a node that may have lines of its own, or (no key) just text."""

    text: str
    key: str | None = None


def draw(
    lines: Sequence[Line], below: Callable[[str], Sequence[Line]], *, seen: set[str] | None = None
) -> Iterator[str]:
    """Yield the lines of a tree without its head.

    A node is opened where it is met first; where it is met again, it is marked. Cycles end so.

    Args:
        lines: What stands directly below the head.
        below: The lines below a key.
        seen: Keys that were opened before; grows.
    """
    seen = set() if seen is None else seen
    stack = [("", line, at == len(lines) - 1) for at, line in enumerate(lines)][::-1]
    while stack:
        indent, line, last = stack.pop()
        head = indent + ("└── " if last else "├── ") + line.text
        if line.key is None:
            yield head
            continue
        if line.key in seen:
            yield f"{head} {SEEN}"
            continue
        yield head
        seen.add(line.key)
        children = below(line.key)
        deeper = indent + ("    " if last else "│   ")
        stack += [(deeper, each, n == len(children) - 1) for n, each in enumerate(children)][::-1]
