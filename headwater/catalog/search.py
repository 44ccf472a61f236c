"""Search: what people type and choose becomes a query of the store, and its hits an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headwater.catalog.filter import meant
from headwater.catalog.stage import meant_stages
from headwater.errors import InvalidInputError
from headwater.schemas import kinds
from headwater.store.base import MAX_HITS, SearchQuery, SearchResult, Store
from headwater.store.draft import Document, load
from headwater.store.text import FACETS, terms

MAX_LIMIT = 1000
MAX_VALUES = 100
"""Values of one facet in a search."""
NOTHING = SearchResult([], 0, False, {})


class SearchService:
    """Finds entities by words and facets. What is soft-deleted is not found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search(
        self,
        q: str,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Document:
        """Return a page of the entities that a text and filters find, best first.

        Args:
            q: Words that are all found, in any order and in any field; ``"side by side"``;
                ``begun*``. Nothing else in it means anything. Without text the filters decide.
            filters: Values by facet (``kind``, ``service``, ``owner``, ``tag``, ``stage``): of each
                facet one must hold. A facet without values does not filter. A value is a name, or
                ``kind:fqn``.
            limit: Up to 1000; with 0 the answer has counts alone.
            offset: Hits to pass over. The first 2000 can be read.

        Returns:
            ``data`` (documents, each with its ``kind``), ``total``, ``approximate`` (there are more
            than ``total``, which facets count too), ``facets`` (how many hits have each value, most
            first) and ``paging`` (``next`` is the offset of the next page, if there is one).

        Raises:
            InvalidInputError: Bounds, facets, kinds, stages or the text are not such; the message
                says so.
        """
        _check_page(limit, offset)
        chosen = _checked(filters or {})
        if "stage" in chosen:
            chosen["stage"] = meant_stages(self._store, chosen["stage"], kinds().values())
        asked = terms(q)
        if q.strip() and not asked:  # signs alone: they are not "everything"
            return _answer(NOTHING, limit, offset)
        query, among = SearchQuery(asked, {}, limit, offset), chosen.get("kind") or kinds()
        found = meant(self._store, chosen, among).search(self._store, query)
        if not found.facets.get("kind", {}).keys() <= kinds().keys():
            # Of a kind whose schema file is no longer there nothing is answered.
            chosen["kind"] = tuple(kinds())
            found = meant(self._store, chosen, among).search(self._store, query)
        return _answer(found, limit, offset)


def _check_page(limit: int, offset: int) -> None:
    if not 0 <= limit <= MAX_LIMIT:
        raise InvalidInputError(f"limit is 0 to {MAX_LIMIT}, not {limit}")
    if not 0 <= offset < MAX_HITS:
        raise InvalidInputError(
            f"offset is 0 to {MAX_HITS - 1}, not {offset}: the first {MAX_HITS} hits can be read; "
            "more words or filters make them fewer"
        )


def _checked(filters: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    chosen = {}
    for facet, values in filters.items():
        if facet not in FACETS:
            raise InvalidInputError(
                f"there is no facet {facet!r}; the facets are {', '.join(FACETS)}", facet=facet
            )
        given = (values,) if isinstance(values, str) else tuple(dict.fromkeys(values))
        if len(given) > MAX_VALUES:
            raise InvalidInputError(
                f"{facet} has at most {MAX_VALUES} values, not {len(given)}", facet=facet
            )
        if given:
            chosen[facet] = given
    for name in chosen.get("kind", ()):
        if name not in kinds():
            known = ", ".join(sorted(kinds()))
            raise InvalidInputError(f"there is no kind {name!r}; the kinds are {known}", kind=name)
    return chosen


def _answer(result: SearchResult, limit: int, offset: int) -> Document:
    paging = {"limit": limit, "offset": offset}
    behind = offset + len(result.records)
    if result.records and behind < result.total:
        paging["next"] = behind
    return {
        "data": [{"kind": each.kind, **load(each)} for each in result.records],
        "total": result.total,
        "approximate": result.approximate,
        "facets": {facet: _most_first(result.facets.get(facet, {})) for facet in FACETS},
        "paging": paging,
    }


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
