"""Reads of entries, newest first. Each is one statement, and so one round trip."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headwater.store.base import Entry
from headwater.store.neo4j.database import Database, whole

_FIELDS = ", ".join(f"e.{name}" for name in Entry._fields)
_ANY_NUMBER = 2**63 - 1

# By the filters that are given, the properties to seek by. Indexes are prescribed: a plan made
# while the store is empty may choose another, or none.
_SEEKS = [
    ("entity_id", "type", "key"),
    ("entity_id", "type"),
    ("type", "key"),
    ("entity_id",),
]
_INDEXES = {
    ("entity_id",): ("entity_id", "type", "number"),
    **{seek: (*seek, "number") for seek in _SEEKS[:-1]},
}


def entries(
    database: Database,
    filters: Mapping[str, Collection[str] | None],
    *,
    before: int | None,
    as_of: int | None,
    latest: bool,
    limit: int,
) -> list[Entry]:
    """See ``Store.entries``; ``filters`` are by property."""
    given = {name: list(set(values)) for name, values in filters.items() if values is not None}
    seek = next(each for each in _SEEKS if given.keys() >= set(each))
    make = _latest if latest else _all
    rows = database.read(
        make(seek, set(given).difference(seek), as_of is not None),
        **given,
        before=_ANY_NUMBER if before is None else before,
        as_of=as_of,
        limit=limit,
    )
    return [Entry(*row) for row in whole(rows, 4) if None not in row[5:]]


def _all(seek: tuple[str, ...], rest: set[str], past: bool) -> str:
    """Of every combination the newest, and the newest of those."""
    return f"""
    {_each(seek)} CALL ({", ".join(seek)}) {{
      {_match(seek, rest, past)} AND e.number < $before
      RETURN e ORDER BY {_order(seek)} LIMIT $limit
    }}
    RETURN {_FIELDS} ORDER BY e.number DESC LIMIT $limit"""


def _latest(seek: tuple[str, ...], rest: set[str], past: bool) -> str:
    if len(seek) == 3:  # each combination has one newest entry, which the index leads to
        return f"""
        {_each(seek)} CALL ({", ".join(seek)}) {{
          {_match(seek, rest, past)}
          RETURN e ORDER BY {_order(seek)} LIMIT 1
        }}
        WITH e WHERE e.number < $before
        RETURN {_FIELDS} ORDER BY e.number DESC LIMIT $limit"""
    return f"""
    {_each(seek)} CALL ({", ".join(seek)}) {{
      {_match(seek, rest, past)}
      RETURN e.entity_id AS of, e.type AS what, e.key AS about, max(e.number) AS number
    }}
    WITH number WHERE number < $before ORDER BY number DESC LIMIT $limit
    MATCH (e:_Entry {{number: number}})
    RETURN {_FIELDS} ORDER BY e.number DESC"""


def _each(seek: tuple[str, ...]) -> str:
    return " ".join(f"UNWIND ${name} AS {name}" for name in seek)


def _match(seek: tuple[str, ...], rest: set[str], past: bool) -> str:
    index = _INDEXES[seek]
    conditions = [f"e.{name} = {name}" for name in seek]
    # The index holds no entry that lacks one of its properties, and answers only when told of it.
    conditions += [f"e.{name} IS NOT NULL" for name in index if name not in seek]
    conditions += [f"e.{name} IN ${name}" for name in sorted(rest)]
    if past:
        conditions.append("e.seq <= $as_of")
    return f"""MATCH (e:_Entry) USING INDEX SEEK e:_Entry({", ".join(index)})
      WHERE {" AND ".join(conditions)}"""


def _order(seek: tuple[str, ...]) -> str:
    """The order that the index is read in, where it has the number next: no sort."""
    return ", ".join(f"e.{name} DESC" for name in (*seek, "number"))
