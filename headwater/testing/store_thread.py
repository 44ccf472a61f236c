"""Conformance under threads: no update is lost, no event is missed, no half commit is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from headwater.errors import AlreadyExistsError, StaleWriteError
from headwater.store.base import Reference, Store, WriteSet
from headwater.testing.store_build import edge, entity, event, following, writes

T = TypeVar("T")

WRITERS = 8
ROUNDS = 25


class ThreadConformance:
    """Many threads on one instance."""

    def test_concurrent_increments_are_all_kept(self, store: Store) -> None:
        count_up(store)

    def test_reader_that_tails_events_misses_none(self, store: Store) -> None:
        """Whoever sees an event also sees the entity and the edge of its commit."""
        store.commit(writes(entity("hub")))

        def write(writer: int) -> None:
            for number in range(ROUNDS):
                new = entity(f"{writer}-{number}")
                put = edge(new.id, "table-hub")
                store.commit(writes(new, edges=(put,), events=(event(new.id), event("hub"))))

        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, writer) for writer in range(WRITERS)]
            numbers = _tail(store, writers)
            for each in writers:
                each.result()
        assert numbers == list(range(1, WRITERS * ROUNDS * 2 + 1))
        ids = {each.event.entity_id for each in store.events(limit=len(numbers))}
        assert len(ids) == WRITERS * ROUNDS + 1

    def test_only_one_of_many_takes_a_name(self, store: Store) -> None:
        def create(writer: int) -> bool:
            return _wins(store, writes(entity(f"w{writer}", fqn="taken")), AlreadyExistsError)

        assert sum(_in_threads(create)) == 1
        assert store.sequence() == 1

    def test_writes_that_expect_each_other_do_not_both_win(self, store: Store) -> None:
        expect_each_other(store, store)

    def test_one_edge_put_by_many_is_opened_once(self, store: Store) -> None:
        put = edge("table-a", "table-b")
        store.commit(writes(entity("a"), entity("b")))
        _in_threads(lambda _: store.commit(writes(edges=(put,))))
        assert [each.key for each in store.edges(producer="ada", include_closed=True)] == [put.key]

    def test_what_refers_is_told_while_it_begins_and_ends_to(self, store: Store) -> None:
        """Nothing half there is met: what is not there any more is not told."""
        store.commit(writes(entity("hub")))
        names = [f"r{number}" for number in range(40)]
        store.commit(writes(*(entity(name) for name in names)))

        def refer(rounds: int) -> None:
            for rev in range(1, rounds + 1):
                to = [Reference("owners", "table-hub")] if rev % 2 else []
                store.commit(
                    writes(*(entity(name, expected_rev=rev, references=to) for name in names))
                )

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(refer, 2 * ROUNDS)
            while not writing.done():
                for target, referrer, path in store.referrers(["table-hub"]):
                    assert (target, path) == ("table-hub", "owners")
                    assert referrer.removeprefix("table-") in names
            writing.result()


def count_up(*stores: Store) -> None:
    """Increment one entity from many threads, over several instances; every one must count."""
    stores[0].commit(writes(entity("counter", document="0")))

    def increment(writer: int) -> None:
        for _ in range(ROUNDS):
            _increment(stores[writer % len(stores)])

    _in_threads(increment)
    total = WRITERS * ROUNDS
    for store in stores:
        found = store.find("table-counter")
        assert found is not None
        assert (int(found.document), found.rev, store.sequence()) == (total, total + 1, total + 1)
        past = [record.document for record in store.versions(found.id, limit=2 * total)]
        assert past == [str(number) for number in range(total, -1, -1)]


def expect_each_other(one: Store, other: Store) -> None:
    """Let two threads write, each on condition of what the other changes; one of them must fail."""
    for turn in range(ROUNDS):
        left, right = entity(f"left{turn}"), entity(f"right{turn}")
        one.commit(writes(left, right))
        work = [
            (one, writes(following(left), expects={right.id: 1})),
            (other, writes(following(right), expects={left.id: 1})),
        ]
        start = Barrier(len(work))

        def write(
            which: int, work: list[tuple[Store, WriteSet]] = work, start: Barrier = start
        ) -> bool:
            start.wait()
            return _wins(*work[which], StaleWriteError)

        assert sum(_in_threads(write, len(work))) == 1


def _increment(store: Store) -> None:
    for _ in range(10_000):  # an adapter that always refuses fails instead of hanging
        found = store.find("table-counter")
        assert found is not None
        document = str(int(found.document) + 1)
        write = entity("counter", expected_rev=found.rev, document=document)
        if _wins(store, writes(write), StaleWriteError):
            return
    raise AssertionError("no increment was ever accepted")


def _wins(store: Store, write_set: WriteSet, refusal: type[Exception]) -> bool:
    try:
        store.commit(write_set)
    except refusal:
        return False
    return True


def _in_threads(work: Callable[[int], T], count: int = WRITERS) -> list[T]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def _tail(store: Store, writers: Sequence[Future[None]]) -> list[int]:
    """Read events by cursor until the writers are done; each one's commit must be whole."""
    numbers: list[int] = []
    while True:
        over = all(each.done() for each in writers)
        records = store.events(after=numbers[-1] if numbers else 0, limit=10)
        if over and not records:
            return numbers
        assert not numbers or records == [] or records[0].number > numbers[-1]
        for each in records:
            numbers.append(each.number)
            if each.event.entity_id == "hub":
                continue
            found = store.find(each.event.entity_id)
            assert found is not None
            assert found.seq == each.seq
            assert store.edges(from_ids=[found.id])[0].opened_seq == each.seq
