"""Events: what happened, read in order by cursor, and how long it is kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pydantic_core

from headwater.errors import EventsGoneError, InvalidInputError
from headwater.schemas import kinds
from headwater.store.base import EventRecord, Store, WriteSet
from headwater.store.draft import Actor, now_ms

MAX_LIMIT = 1000
SCAN = 10_000
"""Events that one page looks at, at most: a filter may let nothing pass for long."""
_BATCH = 1000


TYPES = frozenset(
    {
        *("entityCreated", "entityUpdated", "entityRenamed", "entitySoftDeleted", "entityRestored"),
        *("entityErased", "lineageChanged", "stageChanged", "aliasChanged", "sourcesChanged"),
    }
)
"""What events are called."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order.

    Attributes:
        after: The cursor to go on from: the number of the last event that was looked at, whether or
            not it passed the filters.
        more: False when the log was read to its end, so that a reader who asks on waits a while.
    """

    events: list[EventRecord]
    after: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Filter:
    kinds: frozenset[str]
    types: frozenset[str]
    major: bool

    @property
    def passes_all(self) -> bool:
        return not (self.kinds or self.types or self.major)

    def passes(self, record: EventRecord) -> bool:
        event = record.event
        return (
            (not self.kinds or event.kind in self.kinds)
            and (not self.types or event.type in self.types)
            and (not self.major or _is_major(event.payload))
        )


class EventService:
    """Reads the event log and bounds it. Events are written by what they tell of."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        kinds: Collection[str] = (),
        types: Collection[str] = (),
        major: bool = False,
    ) -> EventPage:
        """Return events behind a cursor. Who asks on with each page's cursor misses none.

        Args:
            after: A cursor that a page answered; 0 starts with the oldest event that is kept.
            kinds: Only events about entities of these kinds.
            types: Only events of these types, such as ``entityUpdated``.
            major: Only events of major versions.

        Raises:
            EventsGoneError: Events behind the cursor have been dropped: start anew with 0, and read
                what is there now.
            InvalidInputError: No event has the cursor's number yet, or a bound, kind or type is
                wrong.
        """
        wanted = _Filter(frozenset(kinds), frozenset(types), major)
        _check(after, limit, wanted)
        found: list[EventRecord] = []
        batch = self._behind(after, min(limit, _BATCH) if wanted.passes_all else _BATCH)
        left = SCAN
        while True:
            for record in batch.records:
                after, left = record.number, left - 1
                if wanted.passes(record):
                    found.append(record)
                if len(found) == limit or not left:
                    return EventPage(found, after, more=True)
            if not batch.more:
                return EventPage(found, after, more=False)
            batch = self._behind(after, min(_BATCH, left))

    def trim(
        self, *, actor: Actor, older_than_ms: int | None = None, keep: int | None = None
    ) -> int:
        """Drop old events for good, in one commit that says who did, and return how many.

        The newest event always stays: numbers go on from it, in copies of the store too.

        Args:
            older_than_ms: Drop those recorded longer ago than so many milliseconds.
            keep: Drop all but the newest so many. With both, an event goes when either says so.

        Raises:
            InvalidInputError: Neither is given, or one of them is below its bound.
        """
        _check_retention(older_than_ms, keep)
        first = self._store.events(limit=1)
        if not first:
            return 0
        oldest, newest = first[0].number, self._newest()
        before = oldest
        if keep is not None:
            before = max(before, newest - keep + 1)
        if older_than_ms is not None:
            since = now_ms() - older_than_ms
            before = max(before, self._first_since(since, oldest, newest))
        if before > oldest:
            self._store.commit(
                WriteSet(actor.name, actor.kind, actor.producer, now_ms(), events_before=before)
            )
        return before - oldest

    def _behind(self, after: int, limit: int) -> _Batch:
        """Events behind a number, once it is sure that none between was dropped."""
        # The event of that number is read again: it, or its successor, is there when none is lost.
        start = max(after - 1, 0)
        records = self._store.events(after=start, limit=limit + 1)
        if after and not records:
            newest = self._newest()
            raise InvalidInputError(
                f"no event has the number {after} yet, the newest is {newest}: this cursor is of "
                "another store, or of this one before it was put back to an earlier state",
                newest=newest,
            )
        if after and records[0].number > after + 1:
            oldest = records[0].number
            raise EventsGoneError(
                f"events before {oldest} are no longer kept, and some of them lie behind {after}; "
                "start anew with 0, and read what changed from the entities",
                oldest=oldest,
            )
        unread = [record for record in records if record.number > after]
        return _Batch(unread[:limit], more=len(records) > limit)

    def _newest(self) -> int:
        """The number of the newest event, 0 when there is none. The store tells only the oldest."""
        low, step = 0, 1
        while self._number(low + step):
            low, step = low + step, step * 2
        high = low + step  # there is none with this number, and one with the lower
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._number(middle) else (low, middle)
        return low

    def _number(self, number: int) -> EventRecord | None:
        """The first event from a number on."""
        found = self._store.events(after=number - 1, limit=1)
        return found[0] if found else None

    def _first_since(self, since: int, oldest: int, newest: int) -> int:
        """The number of the first event recorded at or after a time; the newest if there is none.

        Recorded time never goes back, so numbers are in its order.
        """
        low, high = oldest, newest
        while low < high:
            middle = (low + high) // 2
            record = self._number(middle)
            low, high = (low, middle) if record and record.at >= since else (middle + 1, high)
        return low


@dataclass(frozen=True, slots=True)
class _Batch:
    """``more``: there are further events behind these."""

    records: list[EventRecord]
    more: bool


def _is_major(payload: str) -> bool:
    return '"major"' in payload and pydantic_core.from_json(payload).get("major") is True


def _check(after: int, limit: int, wanted: _Filter) -> None:
    if unknown := sorted(wanted.types - TYPES):
        known = ", ".join(sorted(TYPES))
        raise InvalidInputError(
            f"there is no type of event {unknown[0]!r}; the types are {known}", type=unknown[0]
        )
    if after < 0:
        raise InvalidInputError(f"after is 0 or a cursor that a page answered, not {after}")
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInputError(f"limit is 1 to {MAX_LIMIT}, not {limit}")
    if unknown := sorted(wanted.kinds - kinds().keys()):
        known = ", ".join(sorted(kinds()))
        raise InvalidInputError(
            f"there is no kind {unknown[0]!r}; the kinds are {known}", kind=unknown[0]
        )


def _check_retention(older_than_ms: int | None, keep: int | None) -> None:
    if older_than_ms is None and keep is None:
        raise InvalidInputError("say how old events get, or how many are kept")
    if older_than_ms is not None and older_than_ms < 0:
        raise InvalidInputError(f"older_than_ms is 0 or more, not {older_than_ms}")
    if keep is not None and keep < 1:
        raise InvalidInputError(f"at least 1 event is kept, not {keep}")
