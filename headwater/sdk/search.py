"""The call that searches, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.display import table
from headwater.sdk.address import KindLike, kind_of
from headwater.sdk.session import Session


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of hits, best first; iterating goes over them.

    Attributes:
        hits: Entities.
        total: How many there are; a lower bound when ``approximate``.
        approximate: There are more than are counted.
        facets: How many of the hits have each value, by facet (``kind``, ``service``, ``owner``,
            ``tag``, ``stage``) and value.
    """

    hits: list[Any]
    total: int
    approximate: bool
    facets: dict[str, dict[str, int]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = []
        for hit in self.hits:
            fields = hit.to_wire()
            kind = kind_of(type(hit)).name
            rows.append((kind, fields["fullyQualifiedName"], fields.get("description", "")))
        return table(repr(self)[1:-1], ("kind", "name", "description"), rows)

    def __repr__(self) -> str:
        about = "more than " if self.approximate else ""
        return f"<SearchResult {len(self.hits)} of {about}{self.total}>"


class SearchCalls(Session):
    """Searching; see ``Headwater``."""

    def search(
        self,
        query: str = "",
        *,
        kind: KindLike | Sequence[KindLike] | None = None,
        service: str | Sequence[str] | None = None,
        owner: str | Sequence[str] | None = None,
        tag: str | Sequence[str] | None = None,
        stage: str | Sequence[str] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> SearchResult:
        """Return the entities that words find, best first.

        Words are found in names, paths, columns, features and descriptions, whatever their case
        and accents; ``"two words"`` stand side by side, ``cust*`` is only begun. Of each filter,
        one of its values must hold.

        Args:
            query: What to look for; everything when empty.
            kind: Only entities of these kinds.
            service: Only below these services.
            owner: Only what these users or teams own; ``team:data`` is no user of that name.
            tag: Only what has these tags, or parts that have them.
            stage: Only model versions in these stages, and models that have such.
            limit: How many hits to return.
            offset: How many to pass over.
        """
        names = [kind] if isinstance(kind, (str, type)) else list(kind or ())
        params: dict[str, Any] = {
            "q": query,
            "kind": [self._kind(each).name for each in names],
            "service": service,
            "owner": owner,
            "tag": tag,
            "stage": stage,
            "limit": limit,
            "offset": offset or None,
        }
        found = self._wire.send("GET", "/search", params=params).data
        hits = [self._entity(raw) for raw in found["data"]]
        return SearchResult(hits, found["total"], found["approximate"], found["facets"])
