"""Which tagged data a model is made from: the answer of the route ``tagged``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.display import drawing
from headwater.sdk import markdown
from headwater.sdk.impact import ReachedNode
from headwater.sdk.lineage import LineageNode

_APART = "perhaps, by tables whose columns are not tied:"
_CUT = "not all could be followed: there may be more"


@dataclass(frozen=True, slots=True)
class TaggedSource(ReachedNode):
    """A column, table or feature with a tag; its ``path`` leads from it.

    Attributes:
        tags: The FQNs of the tags that it, its table, or a part of it has.
    """

    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw: dict[str, Any]) -> TaggedSource:
        """Read a source of an answer."""
        return cls(**cls.way(raw), tags=tuple(raw["tags"]))

    def __str__(self) -> str:
        steps = " → ".join(["", *(str(step) for step in self.path[1:])])
        return f"{self.node} [{', '.join(self.tags)}]{steps}"


class TaggedSources:
    """The data with a tag that a model, or another node, is made from. True when there is some.

    Attributes:
        root: The asked node.
        tag: The asked tag or classification.
        sources: What arrives unmasked; ``total`` counts them.
        masked_sources: What is masked on every way; ``masked_total`` counts them.
        table_level_sources: What perhaps arrives, by tables whose columns nobody has tied;
            ``table_level_total`` counts them.
        truncated: There may be more than the answer holds.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.root = LineageNode.of(raw["root"])
        self.tag = LineageNode.of(raw["tag"])
        self.sources = [TaggedSource.of(each) for each in raw["sources"]]
        self.total: int = raw["total"]
        self.masked_sources = [TaggedSource.of(each) for each in raw["maskedSources"]]
        self.masked_total: int = raw["maskedTotal"]
        self.table_level_sources = [TaggedSource.of(each) for each in raw["tableLevelSources"]]
        self.table_level_total: int = raw["tableLevelTotal"]
        self.truncated: bool = raw["truncated"]

    @property
    def cut(self) -> bool:
        """Whether the search met its bound: there may be sources that nothing here counts."""
        return self.truncated and all(len(listed) == total for _, listed, total in self._lists())

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def to_markdown(self) -> str:
        """The answer as a comment on a pull request."""
        root, tag = (markdown.code(each.fully_qualified_name) for each in (self.root, self.tag))
        lines = [f"**{self.root.kind}** {root} {self._reads()} tagged {tag}"]
        for title, listed, total in self._lists():
            rows = [
                [
                    markdown.code(each.fully_qualified_name),
                    ", ".join(map(markdown.code, each.tags)),
                    markdown.way(each.path),
                ]
                for each in listed
            ]
            if rows:
                lines += ["", *([title.capitalize(), ""] if title else [])]
                lines += markdown.table(["source", "tags", "by way of"], rows)
            if total > len(listed):
                lines += ["", f"… and {total - len(listed)} more"]
        if self.cut:
            lines += ["", f"{_CUT.capitalize()}."]
        return "\n".join(lines) + "\n"

    def __bool__(self) -> bool:
        return bool(self.total)

    def __str__(self) -> str:
        lines = [f"{self.root} {self._reads()} tagged {self.tag.fully_qualified_name}"]
        for title, listed, total in self._lists():
            lines += [title] if title and listed else []
            lines += [f"  {each}" for each in listed]
            lines += [f"  … and {total - len(listed)} more"] if total > len(listed) else []
        if self.cut:
            lines.append(f"… {_CUT}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return drawing(str(self))

    def __repr__(self) -> str:
        return f"<TaggedSources: {str(self).splitlines()[0]}>"

    def _reads(self) -> str:
        return f"reads {self.total or 'no'} source{'' if self.total == 1 else 's'}"

    def _lists(self) -> list[tuple[str, Sequence[TaggedSource], int]]:
        return [
            ("", self.sources, self.total),
            ("masked on every way:", self.masked_sources, self.masked_total),
            (_APART, self.table_level_sources, self.table_level_total),
        ]
