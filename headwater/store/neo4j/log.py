"""Reads of the commit log and the event log. They tell of a commit when all of it is there."""

from __future__ import annotations

from headwater.store.base import EventRecord, EventWrite
from headwater.store.neo4j.database import Database
from headwater.store.neo4j.layout import LOCK

_EVENTS = """
MATCH (e:_Event) USING INDEX SEEK e:_Event(number) WHERE e.number > $after
RETURN e.number, e.seq, e.at, e.actor, e.producer,
       e.type, e.entity_id, e.kind, e.fqn, e.version, e.payload
ORDER BY e.number LIMIT $limit
"""
_SETTLE = LOCK + "RETURN seq"
_SEQUENCE = "MATCH (counter:_Counter {name: 'commit'}) RETURN counter.seq"
_SEQUENCE_AT = """
MATCH (c:_Commit) USING INDEX SEEK c:_Commit(at, seq) WHERE c.at <= $at AND c.seq IS NOT NULL
RETURN c.seq ORDER BY c.at DESC, c.seq DESC LIMIT 1
"""


class Log:
    """The logs of one database.

    Neo4j shows a commit to readers bit by bit: an event can be seen an instant before the entity it
    tells of. So when a seq is seen that is newer than what is known to be whole, the log waits for
    the commit under way.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled = 0

    def settled(self, seq: int) -> None:
        """Take note that a commit, and so all before it, can be read whole."""
        self._settled = max(self._settled, seq)

    def events(self, after: int, limit: int) -> list[EventRecord]:
        """See ``Store.events``."""
        while rows := self._database.read(_EVENTS, after=after, limit=limit):
            found = [
                EventRecord(number, seq, at, actor, producer, event=EventWrite(*event))
                for number, seq, at, actor, producer, *event in rows
            ]
            # Numbers have no gap: behind one that is not seen yet, nothing is told. One that is not
            # seen before one of a commit that is known to be whole has been dropped.
            first = found[0]
            start = first.number if first.seq <= self._settled else max(after, 0) + 1
            told = [each for number, each in enumerate(found, start) if each.number == number]
            if told:
                self._wait_for(told[-1].seq)
                return told
            self._settle()
        return []

    def sequence(self, at: int | None) -> int:
        """See ``Store.sequence``."""
        if at is None:
            rows = self._database.read(_SEQUENCE)
        else:
            rows = self._database.read(_SEQUENCE_AT, at=at)
        seq: int = rows[0][0] if rows else 0
        self._wait_for(seq)
        return seq

    def _wait_for(self, seq: int) -> None:
        if seq > self._settled:
            self._settle()

    def _settle(self) -> None:
        self.settled(self._database.read(_SETTLE)[0][0])
