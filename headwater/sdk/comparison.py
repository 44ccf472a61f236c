"""Versions of a model side by side: the answer of the route ``compare``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.display import drawing, moment
from headwater.sdk.json_text import to_json

_LONGEST = 60  # characters of a value in a table


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """What the versions have of one thing.

    Attributes:
        section: ``version``, ``metadata``, ``metric``, ``parameter``, ``feature`` or ``source``.
        values: Of each version, in the order asked for; None where it has none.
        equal: Whether all have the same.
    """

    section: str
    name: str
    values: list[Any]
    equal: bool


class ModelComparison:
    """Versions of a model side by side.

    Attributes:
        versions: ``{id, number, name, stage, aliases?}`` of each, in the order asked for.
        rows: Everything that any of them has.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.versions: list[dict[str, Any]] = raw["versions"]
        self.rows = [ComparedRow(**each) for each in raw["rows"]]

    @property
    def differences(self) -> list[ComparedRow]:
        """The rows in which the versions differ."""
        return [row for row in self.rows if not row.equal]

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def table(self, *, all_rows: bool = False) -> tuple[list[str], list[list[str]]]:
        """Headings and rows of text; the middle of what is long is left out.

        Args:
            all_rows: Those in which the versions agree, too.
        """
        headings = ["section", "name", *(_titled(each) for each in self.versions)]
        rows = self.rows if all_rows else self.differences
        return headings, [[r.section, r.name, *(_text(r.name, v) for v in r.values)] for r in rows]

    def __str__(self) -> str:
        headings, rows = self.table()
        if not rows:
            return "no differences between " + ", ".join(headings[2:])
        lines = [headings, *rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def __repr__(self) -> str:
        return f"<comparison of {len(self.versions)} versions, {len(self.differences)} differences>"

    def _repr_html_(self) -> str:
        return drawing(str(self))


def _titled(version: dict[str, Any]) -> str:
    stage = version["stage"]
    return f"{version['name']} ({stage})" if stage != "none" else str(version["name"])


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "trainedAt" and isinstance(value, int):
        return moment(value)
    text = " ".join((value if isinstance(value, str) else to_json(value).decode()).split())
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"
