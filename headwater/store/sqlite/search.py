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

# ``search`` is what the index holds. It is told late, for FTS5 takes many at once for a fraction
# of the time: a search brings it up to date first. What waits are entities with a node behind the
# last one that it was told of (most commits bring nothing but these, and have nothing to write for
# it), and those in ``search_behind``: with words, with a name alone where the document has them, or
# with nothing, which is not found. What the index has to forget it has to be told again. Its
# tokenizer takes all but ASCII signs for letters: to it, each word of ``store.text`` is one.
_WORDS = "{name path text}"
_INDEXED = "SELECT key, name, path, text, facets FROM search WHERE key = ?"
_BEHIND = "SELECT key, name, path, text, facets FROM search_behind WHERE key <= ?"
_PUT_BEHIND = """
INSERT OR REPLACE INTO search_behind (key, name, path, text, facets) VALUES (?, ?, ?, ?, ?)
"""
_PUT = "INSERT OR REPLACE INTO search (key, name, path, text, facets) VALUES (?, ?, ?, ?, ?)"
_NOTHING = (None, None, None, None)
_OF_DOCUMENT = ("", None, None, None)
_DOCUMENT = f"SELECT {COLUMNS} FROM entity WHERE key = ?"
_TOLD = "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'search'"
_TELL = "INSERT OR REPLACE INTO meta (key, value) VALUES ('search', ?)"
_NEW = f"""
SELECT key, {COLUMNS} FROM entity
WHERE key > ? AND key <= ? AND key NOT IN (SELECT key FROM search_behind)
"""
_NEWEST = "SELECT coalesce(max(key), 0) FROM node"
_WAITING = f"""
SELECT 1 WHERE EXISTS (SELECT 1 FROM search_behind)
  OR EXISTS (SELECT 1 FROM entity WHERE key > ({_TOLD}))
"""
LOOKS_EVERY = 16
"""Of so many commits one makes room, and each that writes more entities."""
_MAX_WAITING = 4096
_AT_ONCE = 512
"""Nodes that wait for a search at most, and those that a commit has indexed when more do."""
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


def put_all(connection: Connection, writes: Iterable[tuple[int, EntityWrite]]) -> None:
    """Let entities, by key, be found as their writes say."""
    for key, write in writes:
        if write.expected_rev or write.search != "document":
            put(connection, key, None if write.deleted else write.search)


def put(connection: Connection, key: int, text: SearchText | Literal["document"] | None) -> None:
    """Let an entity be found by a text from now on; None: not at all."""
    row = (key, *_OF_DOCUMENT) if text == "document" else _row(key, text)
    connection.execute(_PUT_BEHIND, row)


def forget(connection: Connection, keys: Iterable[int]) -> None:
    """Let the index forget at once, and for good, what it holds and held of entities.

    FTS5 only notes which words are out of date, and drops them when it merges what it has.
    """
    for key in keys:
        connection.execute("DELETE FROM search_behind WHERE key = ?", (key,))
        _index(connection, (key, *_NOTHING))
    connection.execute("INSERT INTO search_index (search_index) VALUES ('optimize')")


def make_room(connection: Connection, newest: int) -> None:
    """Index some of what waits where much does, so that no search has to wait long."""
    (told,) = connection.execute(_TOLD).fetchone()
    (behind,) = connection.execute("SELECT count(*) FROM search_behind").fetchone()
    waiting = newest - told + behind
    if waiting > _MAX_WAITING:
        _catch_up(connection, told, min(newest, told + waiting - _MAX_WAITING + _AT_ONCE))


def catch_up(connection: Connection) -> None:
    """Bring the index up to date, within a write transaction."""
    (told,) = connection.execute(_TOLD).fetchone()
    (newest,) = connection.execute(_NEWEST).fetchone()
    _catch_up(connection, told, max(told, newest))


def _catch_up(connection: Connection, told: int, newest: int) -> None:
    """Tell the index of everything that waits up to a node."""
    for key, *state in connection.execute(_NEW, (told, newest)):
        _index(connection, _row(key, stored_text(record(state))))
    for key, *words in connection.execute(_BEHIND, (newest,)):
        row = (key, *words)
        if row[1:] == _OF_DOCUMENT:
            state = connection.execute(_DOCUMENT, (key,)).fetchone()
            row = _row(key, stored_text(record(state)) if state else None)
        _index(connection, row)
    connection.execute("DELETE FROM search_behind WHERE key <= ?", (newest,))
    connection.execute(_TELL, (str(newest),))


def _row(key: int, text: SearchText | None) -> tuple[Any, ...]:
    if text is None:
        return (key, *_NOTHING)
    facets = json.dumps(text.facets, ensure_ascii=False, separators=(",", ":"))
    return key, text.name, text.path, text.text, facets


def _index(connection: Connection, row: tuple[Any, ...]) -> None:
    """Let an entity be found by the words of a row, in place of those that it is found by."""
    key, name, *_ = row
    indexed = connection.execute(_INDEXED, (key,)).fetchone()
    if (indexed or (key, *_NOTHING)) == row:
        return
    if indexed:
        connection.execute(_FORGET, _words(indexed))
    if name is None:
        connection.execute("DELETE FROM search WHERE key = ?", (key,))
    else:
        connection.execute(_PUT, row)
        connection.execute(_INDEX, _words(row))


def if_current(connection: Connection, ask: Callable[[Connection, Q], A], query: Q) -> A | None:
    """Ask the index; None when it has to catch up first."""
    if connection.execute(_WAITING).fetchone():
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
