"""Filters of lists and searches: values that name what they mean by kind, ``team:data``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.names import join, split
from headwater.schemas import kinds
from headwater.store.base import MAX_HITS, PageQuery, Record, SearchQuery, SearchResult, Store
from headwater.store.draft import load
from headwater.store.text import stored_text

Named = tuple[str, str]
"""A kind, and an FQN, or the name of a service."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list or a search is narrowed to.

    Attributes:
        facets: What the store is asked for. Facets have bare names, so that it may find too much.
        plain: By facet that has to be looked at in each hit, what needs no kind.
        named: What needs one.
    """

    facets: dict[str, tuple[str, ...]]
    plain: Mapping[str, frozenset[str]]
    named: Mapping[str, frozenset[Named]]

    def page(self, store: Store, query: PageQuery) -> list[Record]:
        """As ``Store.page``."""
        query = replace(query, filters=self.facets)
        if not self.named:
            return store.page(query)
        found: list[Record] = []
        for record in self._each(store, query):
            found.append(record)
            if len(found) == query.limit:
                break
        return found

    def count(self, store: Store, query: PageQuery) -> int:
        """As ``Store.count``."""
        query = replace(query, filters=self.facets)
        if not self.named:
            return store.count(query)
        return sum(1 for _ in self._each(store, replace(query, after=None)))

    def search(self, store: Store, query: SearchQuery) -> SearchResult:
        """As ``Store.search``."""
        query = replace(query, filters=self.facets)
        if not self.named:
            return store.search(query)
        found = store.search(replace(query, limit=MAX_HITS, offset=0))
        hits = [record for record in found.records if self._passes(record)]
        counts: defaultdict[str, dict[str, int]] = defaultdict(Counter)
        for record in hits:
            text = stored_text(record)
            for facet, values in text.facets.items() if text else ():
                for value in values:
                    counts[facet][value] += 1
        end = query.offset + query.limit
        return SearchResult(hits[query.offset : end], len(hits), found.approximate, dict(counts))

    def _each(self, store: Store, query: PageQuery) -> Iterator[Record]:
        while batch := store.page(replace(query, limit=_BATCH)):
            yield from (record for record in batch if self._passes(record))
            if len(batch) < _BATCH:
                return
            query = replace(query, after=batch[-1].fqn)

    def _passes(self, record: Record) -> bool:
        return all(
            any(each in named or each[1] in self.plain[facet] for each in _held(facet, record))
            for facet, named in self.named.items()
        )


def meant(store: Store, chosen: Mapping[str, Sequence[str]], among: Iterable[str]) -> Filter:
    """What filters mean: a value is a name, or ``kind:fqn``.

    Args:
        among: The kinds that are looked through.
    """
    facets = {facet: tuple(values) for facet, values in chosen.items()}
    if not any(":" in value for values in facets.values() for value in values):
        return Filter(facets, {}, {})
    plain, named = {}, {}
    roots = {_root(name) for name in among}
    for facet, known in (("owner", {"user", "team"}), ("tag", {"tag"}), ("service", _roots())):
        found = [_named(value, facet, known) for value in facets.get(facet, ())]
        by_kind = frozenset(each for each in found if each)
        if not by_kind:
            continue
        values = frozenset(facets[facet])
        facets[facet] = tuple(sorted(values | {name for _, name in by_kind}))
        if _is_shared(store, by_kind, facet, roots if facet == "service" else known):
            plain[facet], named[facet] = values, by_kind
    return Filter(facets, plain, named)


def _named(value: str, facet: str, kinds_: Container[str]) -> Named | None:
    """The kind and the name that a value has; None for a name alone."""
    which, _, name = value.partition(":")
    if which not in kinds_ or not name:
        return None
    return which, split(name)[0] if facet == "service" else name


def _is_shared(store: Store, named: Iterable[Named], facet: str, kinds_: Iterable[str]) -> bool:
    """Whether a name is also that of something of another kind, so that it finds too much."""
    keys = [
        (other, join(name) if facet == "service" else name)
        for which, name in named
        for other in kinds_
        if other != which
    ]
    return bool(keys and store.find_many(keys))


def _held(facet: str, record: Record) -> Iterator[Named]:
    if facet == "service":
        yield _root(record.kind), split(record.fqn)[0]
    else:
        for each in load(record).get("owners", ()):
            yield each["type"], each["fullyQualifiedName"]


def _root(name: str) -> str:
    """The kind at the top of an entity's FQN."""
    which = kinds().get(name)
    return _root(which.parent_kind) if which and which.parent_kind else name


def _roots() -> set[str]:
    return {_root(name) for name in kinds()}
