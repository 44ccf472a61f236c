"""Events from Python: pages, filters, cursors, and following a server that comes and goes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from headwater import (
    ClientError,
    CreateMlModel,
    Events,
    EventsGoneError,
    Headwater,
    InvalidInputError,
    MlModel,
)
from headwater.sdk.in_process import in_process_transport
from headwater.store import open_store
from headwater.store.base import WriteSet
from tests.sdk.server import running_server


def write(hw: Headwater, *names: str) -> None:
    for name in names:
        hw.create_or_update(CreateMlModel(name=name, algorithm="A"))


def names(events: Iterable[dict[str, object]]) -> list[str]:
    found = []
    for event in events:
        entity = event["entity"]
        assert isinstance(entity, dict)
        found.append(str(entity["fullyQualifiedName"]).removeprefix("headwater."))
    return found


@pytest.fixture
def seen(hw: Headwater) -> int:
    """The number of the last event before a test writes any."""
    events = hw.events()
    assert all(event["number"] for event in events)
    return events.cursor


def test_events_go_on_from_a_cursor(hw: Headwater, seen: int) -> None:
    write(hw, "a", "b", "c")
    events = hw.events(after=seen, limit=2)
    assert names(events) == ["a", "b"]
    assert names(hw.events(after=events.cursor)) == ["c"]
    assert names(hw.events(after=str(events.cursor), limit=0)) == []
    with pytest.raises(InvalidInputError):
        hw.events(after="yesterday")


def test_filters_hold_events_back_and_the_cursor_counts_those_too(hw: Headwater, seen: int) -> None:
    write(hw, "a")
    hw.create_or_update(CreateMlModel(name="a", algorithm="B"))
    write(hw, "b")
    hw.create({"name": "core"}, kind="team")
    assert names(hw.events(after=seen, kinds="teams")) == ["core"]
    assert names(hw.events(after=seen, kinds=[MlModel], types="entityUpdated")) == ["a"]
    major = hw.events(after=seen, major=True)
    assert names(major) == ["a"]
    assert list(hw.events(after=major.cursor)) == []
    with pytest.raises(InvalidInputError):
        hw.events(kinds="nonsense")


def test_a_process_follows_its_own_store(hw: Headwater, seen: int) -> None:
    write(hw, "a")
    with hw.events(after=seen, follow=True) as events:
        found = [next(events)["number"]]
        writer = threading.Timer(0.1, write, (hw, "b"))
        writer.start()
        found.append(next(events)["number"])
        writer.join()
    assert found == [seen + 1, seen + 2]
    assert list(events) == []


def test_events_that_are_gone_are_told_of(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "headwater.db"))
    with Headwater.open(tmp_path / "headwater.db") as hw:
        write(hw, "a", "b", "c")
        store.commit(WriteSet("test", "bot", None, 0, events_before=4))
        store.close()
        with pytest.raises(EventsGoneError) as gone:
            next(hw.events(after=1, follow=True))
    assert gone.value.details["oldest"] == 4


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Headwater]:
    with running_server(f"sqlite:///{tmp_path}/headwater.db") as url, Headwater(url) as client:
        yield client


def test_a_stream_brings_what_is_written_and_ends_when_closed(remote: Headwater) -> None:
    seen = remote.events()
    list(seen)
    with remote.events(after=seen.cursor, kinds=MlModel, follow=True) as events:
        writer = threading.Thread(target=write, args=(remote, "a", "line\u2028end", "c"))
        writer.start()
        assert names(next(events) for _ in range(3)) == ["a", "line\u2028end", "c"]
        writer.join()
        closer = threading.Timer(0.3, events.close)  # while this thread waits
        closer.start()
        assert list(events) == []
        closer.join()
    assert events.cursor == seen.cursor + 3


def test_a_stream_goes_on_when_the_server_returns(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/headwater.db"
    with running_server(store) as url:
        hw = Headwater(url)
        write(hw, "a")
        events = hw.events(kinds=MlModel, follow=True)
        assert names([next(events)]) == ["a"]
        port = url.rpartition(":")[2]
        waiting = threading.Thread(target=write, args=(hw, "b"))
        waiting.start()
        assert names([next(events)]) == ["b"]
        waiting.join()
    with Headwater.open(tmp_path / "headwater.db") as local:
        write(local, "meanwhile")
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.extend(names([next(events)])))
    reader.start()
    with running_server(store, "--port", port):
        reader.join(timeout=20)
        events.close()
    hw.close()
    assert found == ["meanwhile"]


class Broken(httpx.BaseTransport):
    """Answers as a server does, but cuts each stream short within an event."""

    def __init__(self) -> None:
        self.inner = in_process_transport(":memory:")
        self.streams = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.inner.handle_request(request)
        if request.headers["accept"] != "text/event-stream":
            return answer
        self.streams += 1
        content = answer.read()
        return httpx.Response(200, headers=answer.headers, content=content[: 3 * len(content) // 4])

    def close(self) -> None:
        self.inner.close()


def test_an_event_that_comes_in_part_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.sdk.event._AGAIN", 0.0)
    transport = Broken()
    with Headwater("http://localhost", transport=transport) as hw:
        start = hw.events()
        list(start)
        events = hw.events(after=start.cursor, follow=True)
        first = threading.Timer(0.2, write, (hw, "a", "b", "c", "d"))
        first.start()
        found = names(next(events) for _ in range(3))
        events.close()
        first.join()
    assert found == ["a", "b", "c"]
    assert transport.streams > 1


def test_nothing_is_followed_that_cannot_be_reached() -> None:
    with Headwater("http://127.0.0.1:9") as hw, pytest.raises(ClientError, match="cannot reach"):
        next(hw.events(follow=True))


def test_a_closed_client_ends_it(hw: Headwater) -> None:
    events: Events = hw.events(follow=True)
    next(events)
    hw.close()
    with pytest.raises(ClientError, match="closed"):
        list(events)
