"""What a connector's run did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of the source that did not get into the catalog."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Lineage that the source's own SQL does not decide; ``line`` counts from 1 within it."""

    name: str
    line: int
    message: str


@dataclass(slots=True)
class Report:
    """Counts of a run, and what it could not do.

    Attributes:
        seen: Entities that the source has: the service, databases, schemas, tables and views.
        tables: Those of them that are tables or views.
        edges: Pairs of a view and a table that it reads, written or found as they were.
        columns: Columns of views whose sources are known.
    """

    service: str
    seen: int = 0
    tables: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    edges: int = 0
    columns: int = 0
    failed: list[Failure] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether something was seen and all of it is in the catalog."""
        return bool(self.tables) and not self.failed

    def __str__(self) -> str:
        lines = [
            f"{self.service}: {self.seen} seen, {self.created} created, {self.changed} changed,"
            f" {self.unchanged} unchanged, {len(self.failed)} failed",
            f"lineage: {self.columns} view columns traced, in {self.edges} pairs of table and view",
        ]
        if not self.tables:
            lines.append("no table was seen: nothing was written")
        lines += [f"failed: {each.name}: {each.message}" for each in self.failed]
        lines += [
            f"open: {each.name}, line {each.line}: {each.message}" for each in self.unresolved
        ]
        return "\n".join(lines)
