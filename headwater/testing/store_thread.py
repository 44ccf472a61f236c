"""Conformance under threads: no update is lost, no event is missed, no half commit is seen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import Store
from headwater.testing.store_build import edge, entity, event, following, writes

T = TypeVar("T")

WRITERS = 8
ROUNDS = 25


class ThreadConformance:
    """Many threads on one instance."""

    def test_concurrent_increments_are_all_kept(self, store: Store) -> None:
        store.commit(writes(entity("counter", document="0")))

        def increment(_: int) -> None:
            for _ in range(ROUNDS):
                _until_kept(lambda: _increment_once(store))

        _in_threads(increment)
        found = store.find("table-counter")
        assert found is not None
        assert (int(found.document), found.rev) == (WRITERS * ROUNDS, WRITERS * ROUNDS + 1)
        assert store.sequence() == WRITERS * ROUNDS + 1
        documents = [record.document for record in store.versions(found.id, limit=1000)]
        assert documents == [str(n) for n in range(WRITERS * ROUNDS, -1, -1)]

    def test_reader_that_tails_events_misses_none(self, store: Store) -> None:
        """Whoever sees an event also sees the entity and the edge of its commit."""
        store.commit(writes(entity("hub")))

        def write(writer: int) -> None:
            for number in range(ROUNDS):
                new = entity(f"{writer}-{number}")
                put = edge(new.id, "table-hub")
                store.commit(writes(new, edges=(put,), events=(event(new.id), event("hub"))))

        total = WRITERS * ROUNDS * 2
        with ThreadPoolExecutor(WRITERS) as pool:
            done = [pool.submit(write, writer) for writer in range(WRITERS)]
            seen = _tail(store, total, failed=lambda: any(f.done() and f.exception() for f in done))
            for each in done:
                each.result()
        assert seen == list(range(1, total + 1))
        ids = {each.event.entity_id for each in store.events(limit=total)}
        assert len(ids) == WRITERS * ROUNDS + 1

    def test_only_one_of_many_takes_a_name(self, store: Store) -> None:
        def create(writer: int) -> bool:
            try:
                store.commit(writes(entity(f"w{writer}", fqn="taken")))
            except AlreadyExistsError:
                return False
            return True

        assert sorted(_in_threads(create)) == [False] * (WRITERS - 1) + [True]
        assert store.sequence() == 1


def _increment_once(store: Store) -> None:
    found = store.find("table-counter")
    assert found is not None
    new = entity("counter", expected_rev=found.rev, document=str(int(found.document) + 1))
    store.commit(writes(following(new, expected_rev=found.rev)))


def _until_kept(write: Callable[[], None]) -> None:
    while True:
        try:
            return write()
        except StaleWriteError:
            continue


def _in_threads(work: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(work, range(WRITERS)))


def _tail(store: Store, total: int, failed: Callable[[], bool]) -> list[int]:
    """Read events by cursor until ``total`` of them are seen; each one's commit must be whole."""
    seen: list[int] = []
    while len(seen) < total and not failed():
        for each in store.events(after=seen[-1] if seen else 0, limit=10):
            seen.append(each.number)
            if each.event.entity_id == "hub":
                continue
            found = store.find(each.event.entity_id)
            assert found is not None
            assert found.seq == each.seq
            assert store.edges(from_ids=[found.id])[0].opened_seq == each.seq
    return seen
