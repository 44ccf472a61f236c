"""The event log through its service: cursors that miss nothing, filters, retention."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import CatalogService, EventPage, EventService
from headwater.catalog import event as event_module
from headwater.errors import EventsGoneError, InvalidInputError
from headwater.store import Store
from headwater.testing.store_build import NOON, event, writes
from tests.services.shop import BOT, ME, Shop

WRITERS = 8
ROUNDS = 12


@pytest.fixture
def events(store: Store) -> EventService:
    return EventService(store)


def log(store: Store, count: int, *, at: int = NOON) -> None:
    """Commit events, each in a commit of its own, a second apart."""
    for number in range(count):
        store.commit(writes(at=at + 1000 * number, events=(event(f"table-{number}"),)))


def numbers(page: EventPage) -> list[int]:
    return [record.number for record in page.events]


def all_pages(events: EventService, **options: Any) -> list[EventPage]:
    """Every page from the beginning to the end of the log."""
    pages = [events.page(**options)]
    while pages[-1].more:
        pages.append(events.page(after=pages[-1].after, **options))
    return pages


def test_a_reader_goes_from_the_oldest_event_to_the_end(store: Store, events: EventService) -> None:
    assert events.page() == EventPage([], 0, more=False)
    log(store, 7)
    pages = all_pages(events, limit=3)
    assert [numbers(page) for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [page.after for page in pages] == [3, 6, 7]
    assert events.page(after=7) == EventPage([], 7, more=False)
    log(store, 1, at=NOON + 10**6)
    assert numbers(events.page(after=7)) == [8]
    assert events.page().events == store.events()


def test_events_tell_what_writes_did(
    catalog: CatalogService, shop: Shop, events: EventService
) -> None:
    start = events.page(limit=1000).after
    made = shop.model(algorithm="a")
    catalog.patch("mlmodel", made.id, {"license": "MIT"}, actor=BOT)
    catalog.delete("mlmodel", made.id, actor=ME)
    catalog.restore("mlmodel", made.id, actor=ME)
    found = events.page(after=start).events
    assert [each.event.type for each in found] == [
        "entityCreated",
        "entityUpdated",
        "entitySoftDeleted",
        "entityRestored",
    ]
    assert [(each.actor, each.producer) for each in found[:2]] == [
        ("local", None),
        ("crawler", "sql:warehouse"),
    ]
    assert "license" in found[1].event.payload


def test_a_filter_lets_kinds_and_types_pass(
    shop: Shop, catalog: CatalogService, events: EventService
) -> None:
    shop.table("t", "a")
    made = shop.model()
    catalog.patch("mlmodel", made.id, {"license": "MIT"}, actor=ME)
    both = events.page(kinds=["mlmodel"]).events
    assert [each.event.type for each in both] == ["entityCreated", "entityUpdated"]
    kinds = {each.event.kind for each in events.page(types=["entityCreated"]).events}
    assert {"table", "mlmodel", "database"} <= kinds
    (one,) = events.page(kinds=["mlmodel", "table"], types=["entityUpdated"]).events
    assert one == both[1]


def test_a_reader_of_major_versions_sees_no_others(
    shop: Shop, catalog: CatalogService, events: EventService
) -> None:
    made = shop.model(algorithm="a")
    catalog.patch("mlmodel", made.id, {"license": "MIT", "description": "no major word"}, actor=ME)
    catalog.patch("mlmodel", made.id, {"algorithm": "b"}, actor=ME)
    shop.table("t", "a", "b")
    shop.table("t", "a")
    found = events.page(major=True).events
    assert [(each.event.kind, each.event.version) for each in found] == [
        ("mlmodel", "1.0"),
        ("table", "1.0"),
    ]
    assert [json.loads(each.event.payload)["major"] for each in found] == [True, True]


def test_the_cursor_of_a_filtered_reader_advances(
    store: Store, events: EventService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads a bounded number of events a call, and comes back behind what it has read."""
    monkeypatch.setattr(event_module, "SCAN", 10)
    monkeypatch.setattr(event_module, "_BATCH", 4)
    log(store, 23)
    page = events.page(kinds=["mlmodel"])
    assert page == EventPage([], 10, more=True)
    assert [each.after for each in all_pages(events, kinds=["mlmodel"])] == [10, 20, 23]
    assert [len(each.events) for each in all_pages(events, kinds=["table"])] == [10, 10, 3]
    assert [numbers(each) for each in all_pages(events, kinds=["table"], limit=9)] == [
        [*range(1, 10)],
        [*range(10, 19)],
        [*range(19, 24)],
    ]


def test_a_cursor_before_what_is_kept_is_refused(store: Store, events: EventService) -> None:
    log(store, 9)
    assert events.trim(actor=ME, keep=4) == 5
    with pytest.raises(EventsGoneError, match="events before 6 are no longer kept") as caught:
        events.page(after=4)
    assert (caught.value.code, caught.value.details["oldest"]) == ("events-gone", 6)
    with pytest.raises(EventsGoneError):
        events.page(after=1, kinds=["table"])
    assert numbers(events.page(after=5)) == [6, 7, 8, 9]
    assert numbers(events.page(after=6)) == [7, 8, 9]
    assert numbers(events.page(after=0)) == [6, 7, 8, 9]


def test_a_cursor_of_another_store_is_refused(store: Store, events: EventService) -> None:
    with pytest.raises(InvalidInputError, match="the newest is 0"):
        events.page(after=1)
    log(store, 3)
    assert numbers(events.page(after=3)) == []
    with pytest.raises(InvalidInputError, match="no event has the number 4 yet, the newest is 3"):
        events.page(after=4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"after": -1}, "after is 0 or a cursor"),
        ({"limit": 0}, "limit is 1 to 1000"),
        ({"limit": 1001}, "limit is 1 to 1000"),
        ({"kinds": ["tables"]}, "there is no kind 'tables'; the kinds are "),
        ({"types": ["entityCreate"]}, "there is no type of event 'entityCreate'; the types are "),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_the_reason(
    events: EventService, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        events.page(**options)


# Retention


def test_events_are_kept_by_number(store: Store, events: EventService) -> None:
    log(store, 9)
    assert events.trim(actor=ME, keep=9) == 0
    assert events.trim(actor=ME, keep=100) == 0
    assert events.trim(actor=ME, keep=5) == 4
    assert events.trim(actor=ME, keep=5) == 0
    assert numbers(events.page()) == [5, 6, 7, 8, 9]
    assert store.sequence() == 10  # what drops nothing commits nothing
    assert events.trim(actor=ME, keep=1) == 4
    log(store, 1, at=NOON + 10**6)
    assert numbers(events.page()) == [9, 10]


def test_events_are_kept_by_age(
    store: Store, events: EventService, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(store, 9)  # the last one is recorded eight seconds after noon
    monkeypatch.setattr(event_module, "now_ms", lambda: NOON + 10_000)
    assert events.trim(actor=ME, older_than_ms=11_000) == 0
    assert events.trim(actor=ME, older_than_ms=8_000) == 2
    assert numbers(events.page())[0] == 3
    assert events.trim(actor=ME, older_than_ms=7_500) == 1
    assert events.trim(actor=ME, older_than_ms=5_000, keep=2) == 4
    assert events.trim(actor=ME, older_than_ms=0) == 1
    assert numbers(events.page()) == [9]
    assert events.trim(actor=ME, older_than_ms=0) == 0


def test_dropping_events_is_a_commit_that_says_who(store: Store, events: EventService) -> None:
    log(store, 3)
    events.trim(actor=BOT, keep=1)
    *_, last = store.dump("commits")
    assert (last.seq, last.actor, last.actor_kind, last.producer) == (  # type: ignore[union-attr]  # commits
        4,
        BOT.name,
        "bot",
        BOT.producer,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say how old events get, or how many are kept"),
        ({"keep": 0}, "at least 1 event is kept"),
        ({"older_than_ms": -1}, "older_than_ms is 0 or more"),
    ],
)
def test_retention_without_bounds_is_refused(
    events: EventService, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        events.trim(actor=ME, **options)


def test_an_empty_log_is_trimmed_to_itself(store: Store, events: EventService) -> None:
    assert events.trim(actor=ME, keep=1, older_than_ms=0) == 0
    assert store.sequence() == 0


# Writers beside readers


def write_all(catalog: CatalogService, writer: int) -> None:
    """Create models, change them, and now and then lose a race for one that all share."""
    for number in range(ROUNDS):
        body = {"name": f"m{writer}-{number}", "algorithm": "a"}
        made = catalog.put("mlmodel", body, actor=ME)
        catalog.patch("mlmodel", made.id, {"algorithm": "b"}, actor=BOT)
        shared = {"name": "shared", "algorithm": "a", "license": f"{writer}-{number}"}
        catalog.put("mlmodel", shared, actor=ME)


def tail(
    events: EventService, writers: list[Future[None]], look: Callable[[EventPage], None], **how: Any
) -> None:
    """Read by cursor until the writers are done and the log was read to its end."""
    after = 0
    while True:
        over = all(writer.done() for writer in writers)
        page = events.page(after=after, **how)
        look(page)
        assert page.after >= after
        after = page.after
        if over and not page.more:
            return


def test_readers_beside_eight_writers_miss_nothing_and_see_each_event_once(
    catalog: CatalogService, store: Store, events: EventService
) -> None:
    seen: list[int] = []
    majors: list[int] = []
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        writers = [pool.submit(write_all, catalog, writer) for writer in range(WRITERS)]
        other = pool.submit(
            tail, EventService(store), writers, lambda p: majors.extend(numbers(p)),
            major=True, limit=7,
        )  # fmt: skip
        tail(events, writers, lambda page: seen.extend(numbers(page)), limit=13)
        other.result()
        for each in writers:
            each.result()
    total = WRITERS * ROUNDS
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == 1 + 3 * total  # one of the built-in service; the shared model's each differ
    assert len(majors) == total
    assert majors == sorted(set(majors))
    assert set(majors) == {
        each.number for each in store.events(limit=10_000) if '"major":true' in each.event.payload
    }
