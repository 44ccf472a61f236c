"""Events over REST: pages, and streams that go on."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message

from headwater.api import Services, build_api, stream
from headwater.app import create_services
from headwater.catalog import Actor, EventService
from headwater.settings import Settings
from headwater.store import Store, open_store
from tests.api.test_server import address, start

ACCEPT = {"Accept": "text/event-stream"}
ME = Actor()


def put(client: httpx.Client, name: str, **fields: Any) -> None:
    answer = client.put("/mlmodels", json={"name": name, "algorithm": "a", **fields})
    assert answer.is_success, answer.text


def parsed(text: str) -> list[dict[str, Any]]:
    """The events of a stream's text, each with the ``id`` that it came with."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in lines:
            found.append({"id": lines.get("id"), **json.loads(lines["data"])})
    return found


def numbers(text: str) -> list[int]:
    return [each["number"] for each in parsed(text)]


# Pages


def test_pages_are_filtered_and_say_whether_the_log_goes_on(client: httpx.Client) -> None:
    put(client, "a")
    put(client, "a", algorithm="b")
    client.post("/teams", json={"name": "core"})

    def page(**params: Any) -> tuple[list[str], dict[str, Any]]:
        found = client.get("/events", params=params).json()
        return [each["type"] for each in found["data"]], found["paging"]

    every = ["entityCreated", "entityCreated", "entityUpdated", "entityCreated"]
    assert page() == (every, {"after": "4", "more": False})
    assert page(limit=1) == (every[:1], {"after": "1", "more": True})
    assert page(kind=["team", "mlmodel"])[0] == every[1:]
    assert page(type="entityUpdated") == (["entityUpdated"], {"after": "4", "more": False})
    assert page(major="true", kind="mlmodel")[0] == ["entityUpdated"]
    assert page(major="true", kind="team") == ([], {"after": "4", "more": False})


@pytest.mark.parametrize(
    "query", ["after=7", "after=x", "limit=0", "kind=nosuch", "major=1", "kind=", "major=a&major=b"]
)
def test_events_that_cannot_be_asked_for(client: httpx.Client, query: str) -> None:
    for headers in ({}, ACCEPT):
        answer = client.get(f"/events?{query}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-input")


def test_a_cursor_before_what_is_kept_is_gone(client: httpx.Client, store: Store) -> None:
    for number in range(3):
        put(client, f"m{number}")
    EventService(store).trim(actor=ME, keep=1)
    for headers in ({}, ACCEPT):
        answer = client.get("/events?after=1", headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["oldest"]) == (410, "events-gone", 4)
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/events?after=3").status_code == 200
    assert client.get("/events").json()["data"][0]["number"] == 4


# Streams in process, which end with what there is


def test_a_stream_carries_what_a_page_does(client: httpx.Client) -> None:
    for number in range(3):
        put(client, f"m{number}")
    answer = client.get("/events", headers=ACCEPT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.text.startswith("retry: ")
    page = client.get("/events").json()["data"]
    assert parsed(answer.text) == [{"id": str(each["number"]), **each} for each in page]


def test_a_stream_goes_on_from_where_the_client_was(client: httpx.Client) -> None:
    for number in range(4):
        put(client, f"m{number}")
    assert numbers(client.get("/events?after=2", headers=ACCEPT).text) == [3, 4, 5]
    again = {**ACCEPT, "Last-Event-ID": "4"}
    assert numbers(client.get("/events?after=2", headers=again).text) == [5]
    assert numbers(client.get("/events?kind=team", headers=ACCEPT).text) == []


@pytest.mark.parametrize("last", ["x", "-1", "1.0", "99999999999999999", "7"])
def test_a_stream_from_nowhere_is_refused(client: httpx.Client, last: str) -> None:
    answer = client.get("/events", headers={**ACCEPT, "Last-Event-ID": last})
    assert answer.status_code == 400
    assert client.get("/events?limit=1", headers=ACCEPT).status_code == 400


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/event-stream", "text/event-stream"),
        ("TEXT/Event-Stream;q=1, */*", "text/event-stream"),
        ("text/html, text/event-stream, application/json", "text/event-stream"),
        ("application/json, text/event-stream", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
def test_accept_decides(client: httpx.Client, accept: str, media: str) -> None:
    assert client.get("/events", headers={"Accept": accept}).headers["content-type"] == media


def test_a_head_request_opens_no_stream(client: httpx.Client) -> None:
    answer = client.head("/events", headers=ACCEPT)
    assert (answer.headers["content-type"], answer.content) == ("text/event-stream", b"")


# Streams that go on


class Listener:
    """A client of one stream."""

    def __init__(self) -> None:
        self.text = ""
        self.done = anyio.Event()
        self.left = anyio.Event()
        self._arrived = anyio.Event()

    async def send(self, message: Message) -> None:
        self.text += message.get("body", b"").decode()
        self._arrived.set()
        self._arrived = anyio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def until(self, number: int) -> list[dict[str, Any]]:
        """Wait until so many events are there."""
        with anyio.fail_after(20):
            while len(found := parsed(self.text)) < number:
                await self._arrived.wait()
        return found

    async def until_text(self, text: str) -> None:
        with anyio.fail_after(20):
            while text not in self.text:
                await self._arrived.wait()


@asynccontextmanager
async def listening(services: Services, query: str = "", **headers: str) -> Any:
    app = build_api(services)
    listener = Listener()
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/events",
        "query_string": query.encode(),
        "headers": [
            (b"host", b"localhost"),
            (b"accept", b"text/event-stream"),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ],
    }

    async def listen() -> None:
        await app(scope, listener.receive, listener.send)
        listener.done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        yield listener
        listener.left.set()
        with anyio.fail_after(20):
            await listener.done.wait()


def create(services: Services, name: str) -> None:
    services.catalog.create("team", {"name": name}, actor=ME)


@pytest.fixture
def services(store: Store) -> Services:
    return create_services(store, Settings())


def test_what_this_process_writes_is_sent_at_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POLL", 3600.0)

    async def scenario() -> None:
        async with listening(services, "after=1") as listener:
            await listener.until_text("retry")
            for number in range(3):
                await services.act(partial(create, services, f"t{number}"))
                await listener.until(number + 1)

    anyio.run(scenario)


def test_what_others_write_is_seen_by_looking(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POLL", 0.01)

    async def scenario() -> None:
        async with listening(services, "after=1") as listener:
            await listener.until_text("retry")
            create(services, "a")  # past the routes, as another process does
            (event,) = await listener.until(1)
            assert event["entity"]["fullyQualifiedName"] == "a"

    anyio.run(scenario)


def test_silence_is_broken_by_comments_that_move_the_cursor(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POLL", 0.01)
    monkeypatch.setattr(stream, "HEARTBEAT", 0.0)

    async def scenario() -> None:
        async with listening(services, "after=1&kind=mlmodel") as listener:
            await listener.until_text("id: 1\n\n:\n\n")
            create(services, "a")  # passed over, and yet the client need not read it again
            await listener.until_text("id: 2\n\n:\n\n")
            assert parsed(listener.text) == []

    anyio.run(scenario)


def test_a_stream_whose_cursor_falls_behind_says_so_and_ends(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "POLL", 3600.0)

    async def scenario() -> None:
        async with listening(services, "after=1") as listener:
            await listener.until_text("retry")
            for name in "abc":
                create(services, name)
            services.events.trim(actor=ME, keep=1)
            services.streams.wake()
            await listener.done.wait()
            assert "event: problem\ndata: {" in listener.text
            assert '"code":"events-gone"' in listener.text

    anyio.run(scenario)


def test_a_stream_ends_with_the_server_and_after_its_life(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended() -> None:
        async with listening(services) as listener:
            await listener.until(1)
            services.streams.end()
            await listener.done.wait()

    async def old() -> None:
        async with listening(services) as listener:
            await listener.until(1)
            await listener.done.wait()

    anyio.run(ended)
    services.streams.ended = False
    monkeypatch.setattr(stream, "LIFE", 0.0)
    anyio.run(old)


# Streams of a server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def server(file: Path) -> Iterator[str]:
    with start(file) as process:
        yield address(process)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0


def events_of(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_under_eight_writers_no_event_is_missed(server: str) -> None:
    def write(writer: int) -> None:
        with httpx.Client(base_url=server + "/api/v1") as client:
            for number in range(15):
                put(client, f"m{writer}_{number}")

    with httpx.stream("GET", server + "/api/v1/events", headers=ACCEPT, timeout=30) as answer:
        found = events_of(answer)
        with ThreadPoolExecutor(8) as pool:
            done = pool.map(write, range(8))
            seen = [next(found)["number"] for _ in range(121)]
            list(done)
    assert seen == list(range(1, 122))


def test_another_process_is_seen_and_the_server_stays_free(server: str, file: Path) -> None:
    url = server + "/api/v1/events"
    with httpx.Client(headers=ACCEPT, timeout=30) as client:
        streams = [client.send(client.build_request("GET", url), stream=True) for _ in range(12)]
        found = [events_of(answer) for answer in streams]
        for each in found:
            assert next(each)["number"] == 1
        store = open_store(f"sqlite:///{file}")
        create(create_services(store, Settings()), "from elsewhere")
        store.close()
        for each in found:
            assert next(each)["entity"]["fullyQualifiedName"] == "from elsewhere"
        assert httpx.get(server + "/api/v1/health").status_code == 200
        # The server is stopped with these open; a client that leaves is no fault either.
        for answer in streams[:6]:
            answer.close()


def test_the_end_of_the_server_is_the_end_of_the_stream(file: Path) -> None:
    with start(file) as process:
        url = address(process) + "/api/v1/events"
        with httpx.stream("GET", url, headers=ACCEPT, timeout=30) as answer:
            lines = answer.iter_lines()
            while not next(lines).startswith("data"):
                pass
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line] == []  # complete, not cut off
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
