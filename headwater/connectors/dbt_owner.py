"""Owners as a dbt project names them, and the users and teams of the catalog that they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from headwater.connectors.run import Run


class Owners:
    """Finds those whom the catalog knows, by name, displayed name or address; makes up nobody."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._strangers: set[str] = set()

    def references(self, listed: Sequence[str]) -> list[dict[str, str]]:
        """Return references to those that are known."""
        known = (self._people.get(name.casefold()) for name in listed)
        found = {who["fullyQualifiedName"]: who for who in known if who}
        if listed and not found:
            self._strangers.add(listed[-1])
        return list(found.values())

    def report(self) -> None:
        """Note those that are not."""
        for name in sorted(self._strangers):
            self._run.note(f"the owner {name!r} is no user or team of the catalog")

    @cached_property
    def _people(self) -> dict[str, dict[str, str]]:
        """Users and teams; a name counts for more than an address, a team for more than a user."""
        found: dict[str, dict[str, str]] = {}
        for kind in ("user", "team"):
            for row in self._run.hw.rows(kind, ["email", "displayName"]):
                reference = {"type": kind, "fullyQualifiedName": row["fullyQualifiedName"]}
                for part in ("displayName", "email", "name"):
                    if row.get(part):
                        found[row[part].casefold()] = reference
        return found
