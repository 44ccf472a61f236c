"""What a connector's run did, or, in a preview, would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["create", "update", "restore", "delete"]

_SHOWN = 100
"""How many changes of a preview are printed by name; all are counted."""
ARCHIVED = "stage archived"
"""What a preview says of a version that makes room in a stage."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of the source that did not get into the catalog."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Lineage that the source itself does not decide.

    Attributes:
        line: Counts from 1 within its SQL; 0 where there is none.
    """

    name: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A change that a preview found."""

    action: Action
    kind: str
    name: str
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """Counts of a run, and what it could not do.

    Attributes:
        service: The service in the catalog that the source is.
        preview: Nothing was written: the counts say what would have been.
        found: Things that people keep in the source: tables and views, models. A run that found
            none is no success.
        seen: Entities that the run told the catalog of, services and schemas among them.
        deleted: Entities that the source no longer has, soft-deleted.
        edges: Pairs of a thing and one that it is made from, written or found as they were.
        columns: Columns whose sources are known.
        records: Metrics and other records that were appended.
        unresolved: Lineage that is left open.
        notes: What else somebody should know, such as why nothing was deleted.
        planned: In a preview, each change.
    """

    service: str
    preview: bool = False
    found: int = 0
    seen: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    edges: int = 0
    columns: int = 0
    records: int = 0
    failed: list[Failure] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether something was found and all of it is in the catalog."""
        return bool(self.found) and not self.failed

    def counts(self) -> dict[str, int]:
        """The counts by name, as runs record them."""
        return {
            "seen": self.seen,
            "created": self.created,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "failed": len(self.failed),
            "deleted": self.deleted,
        }

    def to_wire(self) -> dict[str, Any]:
        """The report as data."""
        return {
            "service": self.service,
            "preview": self.preview,
            "succeeded": self.succeeded,
            "found": self.found,
            **self.counts(),
            "edges": self.edges,
            "columns": self.columns,
            "records": self.records,
            "failures": [{"name": f.name, "message": f.message} for f in self.failed],
            "unresolved": [
                {"name": u.name, "line": u.line, "message": u.message} for u in self.unresolved
            ],
            "notes": self.notes,
            "planned": [
                {"action": p.action, "kind": p.kind, "name": p.name, "fields": list(p.fields)}
                for p in self.planned
            ],
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The report, line by line."""
        counts = ", ".join(f"{count} {word}" for word, count in self.counts().items())
        would = " (preview: nothing was written)" if self.preview else ""
        lines = [f"{self.service}: {counts}{would}"]
        if self.edges or self.columns:
            lines.append(f"lineage: {self.columns} columns traced, in {self.edges} pairs")
        if self.records:
            lines.append(f"records: {self.records} appended")
        if not self.found:
            lines.append("nothing was found in the source: a run that sees nothing is no success")
        for plan in self.planned[:_SHOWN]:
            what = f": {', '.join(plan.fields)}" if plan.fields else ""
            lines.append(f"would {plan.action} {plan.kind} {plan.name}{what}")
        if len(self.planned) > _SHOWN:
            lines.append(f"… and {len(self.planned) - _SHOWN} more changes")
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"failed: {each.name}: {each.message}" for each in self.failed]
        for each in self.unresolved:
            where = f", line {each.line}" if each.line else ""
            lines.append(f"open: {each.name}{where}: {each.message}")
        return lines
