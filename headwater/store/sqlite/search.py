"""Search: words in an FTS5 index, values of facets as words of their own. Ranking is FTS5's."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from sqlite3 import Connection
from typing import Any, Literal, TypeVar

from headwater.store.base import (
    MAX_HITS,
    EntityWrite,
    PageQuery,
    Record,
    SearchQuery,
    SearchResult,
    SearchText,
    Term,
)
from headwater.store.sqlite.entity import COLUMNS, record, records
from headwater.store.sqlite.node import ANY, listed
from headwater.store.text import stored_text

# ``search`` is what the index holds. A commit writes what an entity is found by from now on into
# ``search_behind`` (nothing but the key: it is not found), because FTS5 takes many at once for a
# fraction of the time; a search brings the index up to date first. Mostly the words are not even
# made before: no path in such a row says that the document has them. What the index has to forget
# it has to be told again. Its tokenizer takes all but ASCII signs for letters: to it, each word of
# ``store.text`` is one.
_WORDS = "{name path text}"
_INDEXED = "SELECT key, name, path, text, facets FROM search WHERE key = ?"
_BEHIND = "SELECT key, name, path, text, facets FROM search_behind"
_PUT_BEHIND = """
INSERT OR REPLACE INTO search_behind (key, name, path, text, facets) VALUES (?, ?, ?, ?, ?)
"""
_PUT = "INSERT OR REPLACE INTO search (key, name, path, text, facets) VALUES (?, ?, ?, ?, ?)"
_NOTHING = (None, None, None, None)
_OF_DOCUMENT = ("", None, None, None)
_DOCUMENT = f"SELECT {COLUMNS} FROM entity WHERE key = ?"
LOOKS_EVERY = 16
"""Commits of one entity, of which one makes room."""
_MAX_BEHIND = 2048
_AT_ONCE = 256
"""What waits for a search at most, and what a commit indexes when more does: 0.2 s and 25 ms."""

_INDEX = "INSERT INTO search_index (rowid, name, path, text, facets) VALUES (?, ?, ?, ?, ?)"
_FORGET = """
INSERT INTO search_index (search_index, rowid, name, path, text, facets)
VALUES ('delete', ?, ?, ?, ?, ?)
"""
_MATCH = "SELECT rowid FROM search_index WHERE search_index MATCH ? LIMIT ?"
_RANKED = """
SELECT rowid FROM search_index WHERE search_index MATCH ?
ORDER BY bm25(search_index, 16, 4, 1, 0), rowid
"""
_ALL = "SELECT key FROM search LIMIT ?"
_FACETS = f"SELECT facets, count(*) FROM search WHERE key {ANY} GROUP BY facets"
_HITS = f"SELECT key, {COLUMNS} FROM entity WHERE key {ANY}"
# Few hits are looked up and sorted; of many, the list is walked in its order up to the page's end.
# Only those that a page shows are read whole. What is deleted is no hit.
_LISTED = """
FROM entity {way} key IN (SELECT rowid FROM search_index WHERE search_index MATCH ?)
  AND kind = ? AND fqn > ?
"""
_FROM_HITS, _IN_ORDER = _LISTED.format(way="NOT INDEXED WHERE"), _LISTED.format(way="WHERE +")
_FEW = 1000
_OF_PARENT = " AND parent_id = ?"
_PAGE = f"""
SELECT {COLUMNS.replace("origins", "''")} FROM entity
WHERE key IN (SELECT key {{listed}} ORDER BY fqn LIMIT ?) ORDER BY fqn
"""

Q = TypeVar("Q", SearchQuery, PageQuery)
A = TypeVar("A")
Text = SearchText | Literal["document"] | None


def put_all(connection: Connection, writes: Iterable[tuple[int, EntityWrite]]) -> None:
    """Let entities, by key, be found as their writes say."""
    for key, write in writes:
        put(connection, key, None if write.deleted else write.search, new=not write.expected_rev)


def make_room(connection: Connection) -> None:
    """Index some of what waits where much does, so that no search has to wait long."""
    (behind,) = connection.execute("SELECT count(*) FROM search_behind").fetchone()
    if behind > _MAX_BEHIND:
        catch_up(connection, behind - _MAX_BEHIND + _AT_ONCE)


def put(connection: Connection, key: int, text: Text, *, new: bool = False) -> None:
    """Let an entity be found by a text from now on; None: not at all."""
    if text == "document":
        connection.execute(_PUT_BEHIND, (key, *_OF_DOCUMENT))
        return
    row = _row(key, text)
    stored = _NOTHING if new else (_stored(connection, key) or _NOTHING)[1:]
    if stored != row[1:]:
        connection.execute(_PUT_BEHIND, row)


def _row(key: int, text: SearchText | None) -> tuple[Any, ...]:
    if text is None:
        return (key, *_NOTHING)
    facets = json.dumps(text.facets, ensure_ascii=False, separators=(",", ":"))
    return key, text.name, text.path, text.text, facets


def _stored(connection: Connection, key: int) -> tuple[Any, ...] | None:
    """What an entity is found by so far."""
    for statement in (f"{_BEHIND} WHERE key = ?", _INDEXED):
        row: tuple[Any, ...] | None = connection.execute(statement, (key,)).fetchone()
        if row:
            return row
    return None


def catch_up(connection: Connection, at_most: int = -1) -> None:
    """Bring the index up to date, within a write transaction; or a part of it."""
    key = -1
    for key, *behind in connection.execute(f"{_BEHIND} ORDER BY key LIMIT ?", (at_most,)):
        row = (key, *behind)
        if row[1:] == _OF_DOCUMENT:
            row = _row(key, _text_of_document(connection, key))
        indexed = connection.execute(_INDEXED, (key,)).fetchone()
        if (indexed or (key, *_NOTHING)) == row:
            continue
        if indexed:
            connection.execute(_FORGET, _words(indexed))
        if row[1] is None:
            connection.execute("DELETE FROM search WHERE key = ?", (key,))
        else:
            connection.execute(_PUT, row)
            connection.execute(_INDEX, _words(row))
    connection.execute("DELETE FROM search_behind WHERE key <= ?", (key,))


def _text_of_document(connection: Connection, key: int) -> SearchText | None:
    row = connection.execute(_DOCUMENT, (key,)).fetchone()
    return None if row is None else stored_text(record(row))


def if_current(connection: Connection, ask: Callable[[Connection, Q], A], query: Q) -> A | None:
    """Ask the index; None when it has to catch up first."""
    if connection.execute("SELECT 1 FROM search_behind").fetchone():
        return None
    return ask(connection, query)


def caught_up(connection: Connection, ask: Callable[[Connection, Q], A], query: Q) -> A:
    """Ask the index, brought up to date in the same write: nobody is ahead of it again."""
    catch_up(connection)
    return ask(connection, query)


def page(connection: Connection, query: PageQuery) -> list[Record]:
    """See ``Store.page``: with filters."""
    if not all(query.filters.values()):
        return []
    listed, values = _conditions(connection, query, query.after or "")
    statement = _PAGE.format(listed=listed)
    return records(connection.execute(statement, (*values, query.limit)))


def count(connection: Connection, query: PageQuery) -> int:
    """See ``Store.count``: with filters."""
    if not all(query.filters.values()):
        return 0
    listed, values = _conditions(connection, query, "")
    (number,) = connection.execute(f"SELECT count(*) {listed}", values).fetchone()
    return int(number)


def _conditions(connection: Connection, query: PageQuery, after: str) -> tuple[str, list[str]]:
    match = " AND ".join(_filters(query.filters))
    is_few = len(connection.execute(_MATCH, (match, _FEW + 1)).fetchall()) <= _FEW
    listed, values = _FROM_HITS if is_few else _IN_ORDER, [match, query.kind, after]
    if query.parent_id is None:
        return listed, values
    return listed + _OF_PARENT, [*values, query.parent_id]


def search(connection: Connection, query: SearchQuery) -> SearchResult:
    """See ``Store.search``."""
    if not all(query.filters.values()):  # a facet of which no value would do
        return SearchResult([], 0, False, {})
    found = _matches(connection, query, _WORDS, MAX_HITS + 1)
    approximate = len(found) > MAX_HITS
    keys = _by_field(connection, query) if approximate else _by_rank(connection, query, found)
    page = keys[query.offset : query.offset + query.limit]
    rows = {key: row for key, *row in connection.execute(_HITS, (listed(page),))}
    records = [record(rows[key])._replace(origins="") for key in page]
    return SearchResult(records, len(keys), approximate, _facets(connection, keys))


def _matches(connection: Connection, query: SearchQuery, fields: str, limit: int) -> list[int]:
    """Keys of what has every term in one of the fields, and every facet; in no order."""
    match = _expression(query, fields)
    statement, values = (_MATCH, (match, limit)) if match else (_ALL, (limit,))
    return [key for (key,) in connection.execute(statement, values)]


def _by_field(connection: Connection, query: SearchQuery) -> list[int]:
    """As many keys as count, those first whose name has all that is looked for, then the path.

    FTS5's rank would take a look at every match, however many there are.
    """
    keys: dict[int, None] = {}
    for fields in ("name", "path", _WORDS):
        if len(keys) < MAX_HITS:
            keys.update(dict.fromkeys(_matches(connection, query, fields, MAX_HITS)))
    return list(keys)[:MAX_HITS]


def _by_rank(connection: Connection, query: SearchQuery, found: list[int]) -> list[int]:
    """The keys, best first; without words there is nothing to tell them apart."""
    if not any(term.words for term in query.terms):
        return sorted(found)
    return [key for (key,) in connection.execute(_RANKED, (_expression(query, _WORDS),))]


def _expression(query: SearchQuery, fields: str) -> str:
    words = [_term(term, fields) for term in query.terms if term.words]
    return " AND ".join(words + _filters(query.filters))


def _filters(filters: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [_any_of(facet, values) for facet, values in filters.items()]


def _term(term: Term, fields: str) -> str:
    if not term.prefix:
        return f"{fields} : {_phrase(term.words)}"
    begun = f"{fields} : {_phrase(term.words[-1:])} *"
    return f"{fields} : {_phrase(term.words[:-1])} AND {begun}" if term.words[1:] else begun


def _phrase(words: Sequence[str]) -> str:
    """Words side by side, quoted: within quotes nothing is syntax but a quote."""
    return '"{}"'.format(" ".join(words).replace('"', '""'))


def _any_of(facet: str, values: Collection[str]) -> str:
    return f"facets : ({' OR '.join(_token(facet, value) for value in values)})"


def _token(facet: str, value: str) -> str:
    """One word for a value of a facet, whatever the value is made of."""
    return "f" + blake2b(f"{facet}\0{value}".encode(), digest_size=10).hexdigest()


def _words(row: tuple[int, str, str, str, str]) -> tuple[int, str, str, str, str]:
    """A row of ``search`` as the index takes it."""
    facets = json.loads(row[4])
    tokens = (_token(facet, value) for facet, values in facets.items() for value in values)
    return (*row[:4], " ".join(tokens))


def _facets(connection: Connection, keys: Sequence[int]) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for facets, times in connection.execute(_FACETS, (listed(keys),)):
        for facet, values in json.loads(facets).items():
            counts[facet].update(dict.fromkeys(values, times))
    return {facet: dict(values) for facet, values in counts.items()}
