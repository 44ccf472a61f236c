"""Search: words in a full-text index, which is told of changes before it is asked, not in commits.

To make changes of a full-text index visible takes the server as long as all the rest of a commit,
however many they are. So a commit only notes them, in ``_SearchChange`` nodes, and whoever searches
first has them indexed, all at once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from hashlib import blake2b
from typing import Any

from headwater.errors import InvalidInputError
from headwater.store.base import (
    MAX_HITS,
    PageQuery,
    Record,
    SearchQuery,
    SearchResult,
    SearchText,
    Term,
)
from headwater.store.neo4j.database import Database
from headwater.store.neo4j.index import SEARCH
from headwater.store.neo4j.layout import LOCK, place, unpack

MANY_CHANGES = 500
"""So many are indexed without waiting for a search, which they would hold up."""

MAX_VALUES = 500
"""Of all facets asked for. Lucene takes 1,024 clauses, of which the most terms need 384."""

# A match in the name counts more than any in the path, and so on; within a field, Lucene's ranking.
_FIELDS = {"name": 10_000, "path": 100, "text": 1}
_ANYTHING = "*:*"
# What Lucene's query parser may take for more than a letter.
_SYNTAX = re.compile(r'([\\+\-!(){}\[\]^"~*?:/&|\s])')

PUT = "UNWIND $rows AS row MERGE (s:_Search {id: row.id}) SET s = row"
"""Indexes rows at once."""

_INDEX_CHANGES = f"""
{LOCK}
CALL () {{
  MATCH (change:_SearchChange) USING INDEX change:_SearchChange(id)
  WHERE change.id IS NOT NULL AND change.name IS NULL
  MATCH (s:_Search {{id: change.id}}) USING INDEX SEEK s:_Search(id)
  DELETE s
}}
CALL () {{
  MATCH (change:_SearchChange) USING INDEX change:_SearchChange(id)
  WHERE change.id IS NOT NULL AND change.name IS NOT NULL
  MERGE (s:_Search {{id: change.id}})
  SET s += change {{.place, .name, .path, .text, .facets, .values}}
}}
RETURN seq
"""
# Apart from the above and after it: whoever sees no change shall find all of them in the index,
# which shows what a transaction did later than the graph does.
_FORGET_CHANGES = f"""
{LOCK}
MATCH (change:_SearchChange) USING INDEX change:_SearchChange(id)
WHERE change.id IS NOT NULL AND change.seq <= $seq
DELETE change
"""

_ASK = """
CALL () { MATCH (change:_SearchChange) RETURN count(change) AS changes }
WITH changes WHERE $anyway OR changes = 0
CALL (changes) {
  // Named here so that changes are counted first.
  CALL db.index.fulltext.queryNodes($index, $asked, {limit: $most + 0 * changes}) YIELD node, score
  WITH node, score ORDER BY score DESC, node.place, node.id
  RETURN collect(node) AS hits
}
WITH size(hits) AS total, hits[..$count] AS hits
CALL (hits) {
  UNWIND hits AS hit UNWIND hit.values AS value
  WITH value, count(*) AS times
  RETURN collect([value, times]) AS facets
}
WITH total, facets, [hit IN hits[$begin..$end] | hit.id] AS ids
CALL (ids) {
  UNWIND ids AS id MATCH (e:Entity {id: id})
  RETURN collect(e.state[..-1]) AS states
}
RETURN total, facets, ids, states
"""

# Sought by their places, so that only those that a page shows are read whole.
_LIST = """
CALL () {{ MATCH (change:_SearchChange) RETURN count(change) AS changes }}
WITH changes WHERE $anyway OR changes = 0
CALL (changes) {{
  CALL db.index.fulltext.queryNodes($index, $asked, {{skip: 0 * changes}}) YIELD node
  MATCH (e:Entity {{id: node.id}})
  WHERE e.kind = $kind AND NOT e.deleted AND e.place > $after
    AND ($parent_id IS NULL OR e.parent_id = $parent_id)
  {answer}
}}
RETURN answer
"""
_PAGE = _LIST.format(
    answer="""WITH e ORDER BY e.place LIMIT $limit
  RETURN collect(e.state[..-1]) AS answer"""
)
_COUNT = _LIST.format(answer="RETURN count(e) AS answer")


def search_row(record: Record, text: SearchText | None) -> dict[str, Any]:
    """The node of what an entity is found by; without a ``name`` where it is not found."""
    if text is None or record.deleted:
        return {"id": record.id}
    values = [f"{facet}\0{value}" for facet, each in text.facets.items() for value in each]
    values = list(dict.fromkeys(values))
    return {
        "id": record.id,
        "place": place(record.fqn),
        "name": text.name,
        "path": text.path,
        "text": text.text,
        "facets": " ".join(_token(value) for value in values),
        "values": values,
    }


def index_changes(database: Database) -> None:
    """Have all changes indexed that were committed until now."""
    ((seq,),) = database.read(_INDEX_CHANGES)
    database.read(_FORGET_CHANGES, seq=seq)


def search(database: Database, query: SearchQuery) -> SearchResult:
    """See ``Store.search``."""
    if not all(query.filters.values()):  # a facet of which no value would do
        return SearchResult([], 0, approximate=False, facets={})
    asked = {
        "begin": query.offset,
        "end": query.offset + query.limit,
        "most": MAX_HITS + 1,
        "count": MAX_HITS,
    }
    total, facets, ids, states = _ask(database, _ASK, lucene(query), **asked)
    records = {state[0]: unpack([*state, ""]) for state in states}
    found = [records[id_] for id_ in ids if id_ in records and not records[id_].deleted]
    return SearchResult(found, min(total, MAX_HITS), total > MAX_HITS, _by_facet(facets))


def page(database: Database, query: PageQuery) -> list[Record]:
    """See ``Store.page``: with filters."""
    if not all(query.filters.values()):
        return []
    after = "" if query.after is None else place(query.after)
    (states,) = _list(database, _PAGE, query, after=after, limit=query.limit)
    return [unpack([*state, ""]) for state in states]


def count(database: Database, query: PageQuery) -> int:
    """See ``Store.count``: with filters."""
    if not all(query.filters.values()):
        return 0
    (found,) = _list(database, _COUNT, query, after="")
    return int(found)


def _list(database: Database, statement: str, query: PageQuery, **page: Any) -> list[Any]:
    asked = lucene(SearchQuery(filters=query.filters))
    return _ask(database, statement, asked, kind=query.kind, parent_id=query.parent_id, **page)


def _ask(database: Database, statement: str, asked: str, **parameters: Any) -> list[Any]:
    """The one row of an answer of the index, which is told of changes first, if there are any."""
    parameters |= {"index": SEARCH, "asked": asked}
    rows = database.read(statement, **parameters, anyway=False)
    if not rows:
        index_changes(database)
        # What others have written since then is no reason to do so again.
        rows = database.read(statement, **parameters, anyway=True)
    return rows[0]


def lucene(query: SearchQuery) -> str:
    """The query as Lucene's query parser reads it: ``+`` is a must, ``^`` a weight.

    Raises:
        InvalidInputError: It names more values of facets than Lucene looks for.
    """
    if sum(map(len, query.filters.values())) > MAX_VALUES:
        raise InvalidInputError(f"a search has at most {MAX_VALUES} values of facets")
    wanted = [each for term in query.terms if term.words for each in _clauses(term)]
    for facet, values in query.filters.items():
        tokens = " ".join(_token(f"{facet}\0{value}") for value in values)
        wanted.append(f"+facets:({tokens})^0")
    return " ".join(wanted) or _ANYTHING


def _clauses(term: Term) -> list[str]:
    if not term.prefix:
        return [_in_any_field(_phrase(term.words))]
    begun = _in_any_field(_escaped(term.words[-1]) + "*")
    return [_in_any_field(_phrase(term.words[:-1])), begun] if term.words[1:] else [begun]


def _in_any_field(text: str) -> str:
    weighted = (f"(+{name}:{text} +{_ANYTHING}^{much})" for name, much in _FIELDS.items())
    return f"+({' '.join(weighted)})"


def _phrase(words: tuple[str, ...]) -> str:
    return f'"{" ".join(_escaped(word) for word in words)}"'


def _escaped(word: str) -> str:
    return _SYNTAX.sub(r"\\\1", word)


def _token(value: str) -> str:
    """One word for a value of a facet, whatever the value is made of."""
    return "f" + blake2b(value.encode(), digest_size=12).hexdigest()


def _by_facet(counted: list[tuple[str, int]]) -> dict[str, dict[str, int]]:
    facets: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for value, times in counted:
        facet, _, rest = value.partition("\0")
        facets[facet][rest] = times
    return dict(facets)
