"""Search: words in an FTS5 index, values of facets as words of their own. Ranking is FTS5's."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from sqlite3 import Connection

from headwater.store.base import MAX_HITS, SearchQuery, SearchResult, SearchText, Term
from headwater.store.sqlite.entity import COLUMNS, record
from headwater.store.sqlite.graph import ANY

TABLES = """
CREATE TABLE search (
  key INTEGER PRIMARY KEY, entity_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, path TEXT NOT NULL, text TEXT NOT NULL, facets TEXT NOT NULL
);
CREATE VIRTUAL TABLE search_index USING fts5 (
  name, path, text, facets, content = '', tokenize = 'ascii'
);
"""
"""The words are kept beside the index, which has to be told them again to forget them.

The tokenizer takes all but ASCII signs for letters: to it, each word of ``store.text`` is one.
"""

_WORDS = "{name path text}"
_RANK = "bm25(search_index, 16, 4, 1, 0)"
_STORED = "SELECT key, name, path, text, facets FROM search WHERE entity_id = ?"
_PUT = """
INSERT INTO search (key, entity_id, name, path, text, facets) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (entity_id) DO UPDATE SET
  name = excluded.name, path = excluded.path, text = excluded.text, facets = excluded.facets
RETURNING key
"""
_INDEX = "INSERT INTO search_index (rowid, name, path, text, facets) VALUES (?, ?, ?, ?, ?)"
_FORGET = """
INSERT INTO search_index (search_index, rowid, name, path, text, facets)
VALUES ('delete', ?, ?, ?, ?, ?)
"""
_MATCH = f"SELECT rowid, {_RANK} FROM search_index WHERE search_index MATCH ? LIMIT ?"
_ALL = "SELECT key, 0.0 FROM search LIMIT ?"
_FACETS = f"SELECT facets, count(*) FROM search WHERE key {ANY} GROUP BY facets"
_HITS = f"""
SELECT search.key, {", ".join("entity." + name for name in COLUMNS.split(", "))}
FROM search JOIN entity ON entity.id = search.entity_id WHERE search.key {ANY}
"""


def put(connection: Connection, entity_id: str, text: SearchText | None) -> None:
    """Let an entity be found by a text from now on; None: not at all."""
    stored = connection.execute(_STORED, (entity_id,)).fetchone()
    row = None if text is None else (text.name, text.path, text.text, _packed(text))
    if stored and stored[1:] == row:
        return
    if stored:
        connection.execute(_FORGET, _indexed(stored))
    if row is None:
        connection.execute("DELETE FROM search WHERE entity_id = ?", (entity_id,))
        return
    key = stored[0] if stored else None
    (key,) = connection.execute(_PUT, (key, entity_id, *row)).fetchone()
    connection.execute(_INDEX, _indexed((key, *row)))


def forget(connection: Connection, entity_ids: Iterable[str]) -> None:
    """Let entities not be found any more."""
    for entity_id in entity_ids:
        put(connection, entity_id, None)


def search(connection: Connection, query: SearchQuery) -> SearchResult:
    """See ``Store.search``."""
    if not all(query.filters.values()):  # a facet of which no value would do
        return SearchResult([], 0, False, {})
    hits = _hits(connection, query)
    approximate = len(hits) > MAX_HITS
    if approximate:
        hits = _best(connection, query, hits)
    keys = [key for key, _ in sorted(hits.items(), key=lambda hit: (hit[1], hit[0]))]
    page = keys[query.offset : query.offset + query.limit]
    rows = {key: row for key, *row in connection.execute(_HITS, (_keys(page),))}
    records = [record(rows[key])._replace(origins="") for key in page]
    return SearchResult(records, len(keys), approximate, _facets(connection, keys))


def _hits(connection: Connection, query: SearchQuery, fields: str = _WORDS) -> dict[int, float]:
    """Ranks by key, lower is better: of one hit more than count, so that it shows."""
    words = [_term(term, fields) for term in query.terms if term.words]
    values = [_any_of(facet, values) for facet, values in query.filters.items()]
    if words or values:
        match = " AND ".join(words + values)
        return dict(connection.execute(_MATCH, (match, MAX_HITS + 1)).fetchall())
    return dict(connection.execute(_ALL, (MAX_HITS + 1,)).fetchall())


def _best(connection: Connection, query: SearchQuery, hits: dict[int, float]) -> dict[int, float]:
    """As many as count, those first whose name has all that is looked for."""
    named = _hits(connection, query, "name")
    return dict(
        [*named.items(), *(each for each in hits.items() if each[0] not in named)][:MAX_HITS]
    )


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


def _packed(text: SearchText) -> str:
    return json.dumps(text.facets, ensure_ascii=False, separators=(",", ":"))


def _indexed(row: tuple[int, str, str, str, str]) -> tuple[int, str, str, str, str]:
    """A row of ``search`` as the index takes it."""
    facets = json.loads(row[4])
    tokens = (_token(facet, value) for facet, values in facets.items() for value in values)
    return (*row[:4], " ".join(tokens))


def _facets(connection: Connection, keys: Sequence[int]) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for facets, times in connection.execute(_FACETS, (_keys(keys),)):
        for facet, values in json.loads(facets).items():
            counts[facet].update(dict.fromkeys(values, times))
    return {facet: dict(values) for facet, values in counts.items()}


def _keys(keys: Sequence[int]) -> str:
    return json.dumps(keys)
