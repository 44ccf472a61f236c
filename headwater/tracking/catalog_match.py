"""Which table or container of the catalog a name means; none is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater import names
from headwater.errors import ConflictError, NotFoundError
from headwater.sdk import Headwater
from headwater.sdk.address import EntityLike, address_of

KINDS = ("table", "container")
_MOST = 1000
"""Hits that one search tells."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something of the catalog that has columns.

    Attributes:
        kind: ``table`` or ``container``.
        fqn: Its fully qualified name.
        columns: Names, in order.
    """

    kind: str
    fqn: str
    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """The source as every call of the SDK takes it."""
        return f"{self.kind}:{self.fqn}"

    def is_called(self, parts: Sequence[str], *, exactly: bool = False) -> bool:
        """Whether the FQN ends in some names, in any case of letters unless ``exactly``."""
        end = names.split(self.fqn)[-len(parts) :]
        if exactly:
            return end == list(parts)
        return [each.casefold() for each in end] == [each.casefold() for each in parts]

    def column(self, name: str) -> str | None:
        """The FQN of the column of that name, in any case of letters where that is one alone."""
        alike = [each for each in self.columns if each.casefold() == name.casefold()]
        meant = [each for each in alike if each == name] or alike
        return names.child(self.fqn, meant[0]) if len(meant) == 1 else None


class Catalog:
    """Finds sources by what they are called; each name is asked for once."""

    def __init__(self, hw: Headwater) -> None:
        self._hw = hw
        self._known: dict[tuple[str, ...], Source] = {}

    def named(self, source: EntityLike) -> Source:
        """Return the source that somebody names.

        Args:
            source: An entity, an id, an FQN, ``kind:fqn``, or the end of an FQN that only one has.

        Raises:
            NotFoundError: There is none.
            ConflictError: Several have a name that ends so; ``details["candidates"]`` lists them.
        """
        address = address_of(source)
        if address.fqn is None:
            return _source(self._hw.resolve(source), address.kind)
        kinds = (address.kind,) if address.kind else KINDS
        for kind in kinds:
            if entity := self._hw.find(kind, address.fqn):
                return _source(entity, kind)
        return self.ending(names.split(address.fqn), kinds)

    def ending(self, parts: Sequence[str], kinds: Sequence[str] = KINDS) -> Source:
        """Return the source whose FQN ends in some names, in any case of letters.

        Raises:
            NotFoundError: There is none.
            ConflictError: There are several; ``details["candidates"]`` lists them.
        """
        key = (*kinds, "", *parts)
        if key not in self._known:
            self._known[key] = self._ending(list(parts), kinds)
        return self._known[key]

    def _ending(self, parts: list[str], kinds: Sequence[str]) -> Source:
        wanted = names.join(*parts)
        alike = [each for each in self._searched(wanted, parts, kinds) if each.is_called(parts)]
        exact = [each for each in alike if each.is_called(parts, exactly=True)]
        found = exact or alike
        if not found:
            raise NotFoundError(
                f"the catalog has no table or container {wanted!r}", fqn=wanted, candidates=[]
            )
        if len(found) > 1:
            listed = sorted(each.text for each in found)
            raise ConflictError(
                f"{wanted!r} may be any of {', '.join(listed)}; source= says which it is",
                candidates=listed,
            )
        return found[0]

    def _searched(self, wanted: str, parts: list[str], kinds: Sequence[str]) -> list[Source]:
        """What a search for the names finds, all of it."""
        words = " ".join(parts).replace('"', " ")
        page = self._hw.search(f'"{words}"', kind=kinds, limit=_MOST)
        if page.total > len(page):
            raise ConflictError(
                f"more than {_MOST} tables have to do with {wanted!r}; source= says, by its fully"
                " qualified name, which it is",
                candidates=[],
            )
        return [_source(each, None) for each in page]


def _source(entity: Any, kind: str | None) -> Source:
    fields = entity.to_wire()
    columns = tuple(str(each["name"]) for each in fields.get("columns") or ())
    return Source(kind or address_of(entity).kind or "", fields["fullyQualifiedName"], columns)
