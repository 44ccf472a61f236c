"""The difference between two versions of an entity, as an object and as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.display import table

_NAMING = ("id", "columnId", "fullyQualifiedName")
_LONGEST = 160  # characters of one value in the text form


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. ``name`` is its path: ``mlFeatures.persona.dataType``."""

    name: str
    old: Any = None
    new: Any = None


class Diff:
    """What changed between two versions of one entity.

    Attributes:
        kind: The entity's kind.
        fully_qualified_name: The entity's FQN.
        from_version: The version that is compared against.
        to_version: The version that is looked at.
        major: A field that makes a major version is among the changes.
        added: Fields that only ``to_version`` has.
        updated: Fields that both have, with different values.
        deleted: Fields that only ``from_version`` has.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self.kind: str = raw["kind"]
        self.fully_qualified_name: str = raw["fullyQualifiedName"]
        self.from_version: str = raw["from"]
        self.to_version: str = raw["to"]
        self.major: bool = raw.get("major", False)
        self.added = _changes(raw, "fieldsAdded")
        self.updated = _changes(raw, "fieldsUpdated")
        self.deleted = _changes(raw, "fieldsDeleted")

    def to_wire(self) -> dict[str, Any]:
        """The answer as it came."""
        return self._raw

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.deleted)

    def __str__(self) -> str:
        weight = " (major)" if self.major else ""
        head = f"{self.kind} {self.fully_qualified_name} {self.from_version} → {self.to_version}"
        return "\n".join([head + weight, *(self._lines() if self else ["no difference"])])

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            (
                mark,
                each.name,
                *("" if side is None else _short(side) for side in (each.old, each.new)),
            )
            for mark, changes in (("~", self.updated), ("+", self.added), ("-", self.deleted))
            for each in changes
        ]
        return table(str(self).partition("\n")[0], ("", "field", "was", "is"), rows)

    def __repr__(self) -> str:
        counts = f"+{len(self.added)} ~{len(self.updated)} -{len(self.deleted)}"
        versions = f"{self.from_version}..{self.to_version}"
        return f"<Diff {versions} of {self.fully_qualified_name}: {counts}>"

    def _lines(self) -> Iterator[str]:
        for each in self.updated:
            yield f"  {each.name}: {_short(each.old)} → {_short(each.new)}"
        for each in self.added:
            yield f"+ {each.name}: {_short(each.new)}"
        for each in self.deleted:
            yield f"- {each.name}: {_short(each.old)}"


def _changes(raw: dict[str, Any], name: str) -> list[Change]:
    return [Change(c["name"], c.get("oldValue"), c.get("newValue")) for c in raw.get(name, [])]


def _short(value: Any) -> str:
    text = " ".join(_plain(value).split()) or '""'
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _plain(value: Any) -> str:
    """A value for people: a reference by its FQN, an element without what names it already."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(_plain(each) for each in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if "type" in value and "fullyQualifiedName" in value:
        return str(value["fullyQualifiedName"])
    return "{" + ", ".join(f"{n}: {_plain(v)}" for n, v in value.items() if n not in _NAMING) + "}"
