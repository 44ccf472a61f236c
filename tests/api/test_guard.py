"""Who is let in, and what a write must look like: each clause of the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope

from headwater.app import InProcessTransport, create_app
from headwater.settings import Settings
from headwater.store import Store, open_store

MODEL = {"name": "a", "algorithm": "b"}


@pytest.fixture(params=[False, True], ids=["in process", "a server without tokens"])
def client(request: pytest.FixtureRequest, store: Store) -> Iterator[httpx.Client]:
    """The loopback rule is one, whether tokens would be asked for or not."""
    transport = InProcessTransport(store, sign_in=request.param)
    with httpx.Client(base_url="http://localhost/api/v1", transport=transport) as opened:
        yield opened


def problem(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    message: str = answer.json()["message"]
    return message


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8585", "127.0.0.1", "127.8.9.10:80", "[::1]", "[::1]:8585"],
)
def test_loopback_hosts_are_served(client: httpx.Client, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1",
        "0.0.0.0",  # noqa: S104  (refused)
        "[::]", "[::1", "[::1]x", "::1", "localhost:80:80", "localhost:x", "user@localhost", "",
        "127.1", "2130706433", "localhost@example.com:80", "[::ffff:10.0.0.1]",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(client: httpx.Client, host: str) -> None:
    message = problem(client.get("/health", headers={"Host": host}), 403, "access-denied")
    assert "not this machine" in message


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "Via", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "X-Real-IP"],
)
def test_what_came_through_a_proxy_is_refused(client: httpx.Client, header: str) -> None:
    answer = client.get("/health", headers={header: "127.0.0.1"})
    assert header.lower() in problem(answer, 403, "access-denied")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8585", "http://localhost:8585"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://LOCALHOST"),
        ("[::1]:8585", "http://[::1]:8585"),
    ],
)
def test_its_own_page_is_served(client: httpx.Client, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin}
    assert client.post("/mlmodels", json=MODEL, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://example.com", "https://localhost:8585", "http://localhost",
        "http://localhost:8586", "http://127.0.0.1:8585", "http://localhost:8585.example.com", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_other_origins_are_refused(client: httpx.Client, method: str, origin: str) -> None:
    headers = {"Host": "localhost:8585", "Origin": origin}
    answer = client.request(method, "/mlmodels", headers=headers)
    problem(answer, 403, "access-denied")


@pytest.mark.parametrize("name", ["Host", "Origin", "Content-Type", "Content-Length"])
def test_a_header_that_decides_must_not_stand_twice(store: Store, name: str) -> None:
    given = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": "2"}
    headers = [(n.lower().encode(), v.encode()) for n, v in given.items()]
    headers += [(name.lower().encode(), b"localhost")] * (1 if name in given else 2)
    status, _ = send(store, "POST", headers, [b"{}"])
    assert status == 400


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/jsonp", "application/json; charset=latin-1", "", "application/xml",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_that_is_not_json_is_refused(client: httpx.Client, method: str, kind: str) -> None:
    answer = client.request(method, "/mlmodels", content=b"{}", headers={"Content-Type": kind})
    assert "application/json" in problem(answer, 415, "unsupported-media-type")


def test_a_body_needs_a_content_type(client: httpx.Client) -> None:
    answer = client.post("/mlmodels", content=b"{}")
    problem(answer, 415, "unsupported-media-type")


def test_a_form_without_fields_is_refused(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    problem(client.post("/mlmodels", headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize("kind", ["application/json", 'Application/JSON; charset="UTF-8"'])
def test_json_is_taken_however_it_is_spelled(client: httpx.Client, kind: str) -> None:
    answer = client.post(
        "/mlmodels", content=b'{"name":"a","algorithm":"b"}', headers={"Content-Type": kind}
    )
    assert answer.status_code == 201


def test_a_compressed_body_is_refused(client: httpx.Client) -> None:
    headers = {"Content-Encoding": "gzip"}
    problem(client.post("/mlmodels", json=MODEL, headers=headers), 415, "unsupported-media-type")


@pytest.fixture
def small() -> Any:
    store = open_store("sqlite://")
    transport = InProcessTransport(store, Settings(max_body=100))
    with httpx.Client(base_url="http://localhost/api/v1", transport=transport) as client:
        yield client


def test_a_body_beyond_the_limit_is_refused(small: httpx.Client) -> None:
    answer = small.post("/mlmodels", json={**MODEL, "description": "x" * 100})
    assert "at most 100 bytes" in problem(answer, 413, "too-large")


def test_a_body_at_the_limit_is_taken(small: httpx.Client) -> None:
    body = b'{"name":"a","algorithm":"b"}'
    answer = small.post(
        "/mlmodels",
        content=body + b" " * (100 - len(body)),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 201


@pytest.mark.parametrize("length", [[], [(b"content-length", b"10")]])
def test_the_limit_holds_whatever_length_is_announced(
    store: Store, length: list[tuple[bytes, bytes]]
) -> None:
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"transfer-encoding", b"chunked"),
        *length,
    ]
    status, received = send(store, "POST", headers, [b'"' + b"x" * 59] * 1000)
    assert status == 413
    assert received <= 3, "reading stops at the limit"


def test_a_length_beyond_the_limit_is_refused_unread(store: Store) -> None:
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"content-length", b"101"),
    ]
    assert send(store, "POST", headers, [b"1" * 101]) == (413, 0)


def test_nesting_is_refused_beyond_the_limit(client: httpx.Client) -> None:
    deep: Any = 1
    for _ in range(65):
        deep = [deep]
    message = problem(client.post("/mlmodels", json=deep), 400, "invalid-input")
    assert "64 levels" in message


def test_control_characters_and_broken_text_in_a_path_are_refused(client: httpx.Client) -> None:
    for path in ("/mlmodels/name/a%0A", "/mlmodels/name/%00", "/mlmodels/name/%C2%85"):
        assert "control" in problem(client.get(path), 400, "invalid-input")
    assert "UTF-8" in problem(client.get("/mlmodels/name/%FF"), 400, "invalid-input")
    problem(client.get("/mlmodels/name/%EF%BF%BD"), 404, "not-found")


def test_every_answer_tells_browsers_to_be_careful(client: httpx.Client) -> None:
    for path in ("/mlmodels", "/nothing", "http://localhost/", "http://localhost/docs"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-cache"
        assert "access-control-allow-origin" not in headers


def test_without_a_producer_the_writer_is_a_person(client: httpx.Client) -> None:
    client.post("/mlmodels", json=MODEL)
    event = client.get("/events").json()["data"][-1]
    assert (event["actor"], event.get("producer")) == ("local", None)


def test_a_producer_writes_in_its_own_name(client: httpx.Client) -> None:
    client.post("/mlmodels", json=MODEL, headers={"X-Headwater-Producer": "warehouse sync"})
    event = client.get("/events").json()["data"][-1]
    assert (event["actor"], event["producer"]) == ("local", "warehouse sync")


def test_a_producer_never_overwrites_what_a_person_described(client: httpx.Client) -> None:
    client.put("/mlmodels", json={**MODEL, "description": "by hand"})
    body = {**MODEL, "description": "by machine"}
    answer = client.put("/mlmodels", json=body, headers={"X-Headwater-Producer": "sync"})
    assert answer.json()["description"] == "by hand"


@pytest.mark.parametrize("name", [b"", b"\xff", b"a" * 257, b"person", b"bot:x", b"entity:1"])
def test_a_name_that_no_producer_has_is_refused(client: httpx.Client, name: bytes) -> None:
    answer = client.post("/mlmodels", json=MODEL, headers={b"X-Headwater-Producer": name})
    assert "X-Headwater-Producer" in problem(answer, 400, "invalid-input")


def send(
    store: Store, method: str, headers: list[tuple[bytes, bytes]], chunks: list[bytes]
) -> tuple[int, int]:
    """Send what httpx would not; return the status and how many chunks were asked for."""
    app = create_app(store, Settings(max_body=100))
    scope: Scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http",
        "path": "/api/v1/mlmodels", "raw_path": b"/api/v1/mlmodels", "query_string": b"",
        "root_path": "", "headers": headers, "server": ("localhost", 80), "client": None,
    }  # fmt: skip
    status = received = 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        more = received < len(chunks)
        return {"type": "http.request", "body": chunks[received - 1], "more_body": more}

    async def answered(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    asyncio.run(app(scope, receive, answered))
    return status, received
