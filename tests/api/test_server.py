"""The real server in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from headwater.app import serve
from headwater.errors import InvalidInputError
from headwater.sdk import Headwater
from headwater.settings import Settings
from headwater.store import open_store
from headwater.testing.store_build import event, writes

PROGRAM = "from headwater.app import serve; from headwater.settings import Settings; serve({})"


EARLY = """
import os, sys
from headwater.app import serve
from headwater.settings import Settings

class Finalized:
    def __del__(self):  # what is raised in here is lost
        os.kill(os.getpid(), int(sys.argv[2]))

serve(Settings(store=sys.argv[1], port=0), announce=lambda line: Finalized() and None)
"""


def start(store: Path, **environ: str) -> subprocess.Popen[str]:
    settings = f"Settings.from_env(store='sqlite:///{store}')"
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(settings)],
        env={**os.environ, "HEADWATER_PORT": "0", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address(process: subprocess.Popen[str]) -> str:
    """The address that a server announces."""
    assert process.stdout is not None
    return process.stdout.readline().split()[-1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that has said nothing but its address when it ends."""
    with start(tmp_path_factory.mktemp("server") / "a.db") as process:
        yield address(process)
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly_with_its_store_closed(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start(tmp_path / "a.db") as process:
        with Headwater(address(process)) as client:
            client.create_or_update({"name": "a", "algorithm": "x"}, kind="mlmodel")
        process.send_signal(number)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"], "the log is checkpointed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_before_it_listens_to_any(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", EARLY, f"sqlite:///{tmp_path}/a.db", str(number.value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_server_drops_events_that_it_is_not_to_keep(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(open_store(str(path))) as store:
        for number in range(5):  # in the sixties
            store.commit(writes(at=number, events=(event(f"table-{number}"),)))
    with start(path, HEADWATER_EVENTS_KEEP_DAYS="30") as process:
        assert httpx.get(address(process)).status_code == 200
        process.terminate()
        assert process.communicate(timeout=20) == ("", "")
    with closing(open_store(str(path))) as store:
        found = [(each.number, each.event.type) for each in store.events()]
    assert found == [(6, "entityCreated")], "of the built-in service"


def test_events_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(open_store(str(path))) as store:
        store.commit(writes(at=0, events=(event("table-0"),)))
    with start(path) as process:
        assert httpx.get(address(process)).status_code == 200
        process.terminate()
        process.communicate(timeout=20)
    with closing(open_store(str(path))) as store:
        assert [each.number for each in store.events()] == [1, 2]


def test_the_address_is_announced_and_answers(server: str) -> None:
    assert server.startswith("http://127.0.0.1:")
    assert httpx.get(server + "/api/v1/health").json()["status"] == "ok"


def test_the_sdk_works_over_http(server: str) -> None:
    with Headwater(server) as client:
        made = client.create_or_update({"name": "a b/c", "algorithm": "x"}, kind="mlmodel")
        assert client.get("mlmodel", "headwater.a b/c") == made


def test_a_proxy_header_is_seen_and_refused(server: str) -> None:
    answer = httpx.get(server + "/api/v1/health", headers={"X-Forwarded-For": "10.0.0.1"})
    assert answer.status_code == 403


def raw(server: str, *lines: str, body: bytes = b"") -> bytes:
    """What the server answers to exactly these lines."""
    url = httpx.URL(server)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_dots_in_a_path_are_the_name_s_own(server: str) -> None:
    service = b'{"name":"..","serviceType":"Sqlite"}'
    head = ["Host: localhost", "Content-Type: application/json", f"Content-Length: {len(service)}"]
    made = raw(server, "PUT /api/v1/databaseServices HTTP/1.1", *head, body=service)
    assert made.startswith(b"HTTP/1.1 201 ")
    path = "/api/v1/databaseServices/name/%22..%22"
    assert raw(server, f"GET {path} HTTP/1.1", "Host: localhost").startswith(b"HTTP/1.1 200 ")
    up = "/api/v1/databaseServices/name/../../health"
    assert raw(server, f"GET {up} HTTP/1.1", "Host: localhost").startswith(b"HTTP/1.1 404 ")


def test_a_head_request_has_no_body(server: str) -> None:
    answer = raw(server, "HEAD /api/v1/health HTTP/1.1", "Host: localhost")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 5" in head
    assert body == b""


@pytest.mark.parametrize(
    "lines",
    [
        ["GET /api/v1/health HTTP/1.1", "Host: example.com"],
        ["GET http://localhost/api/v1/health HTTP/1.1", "Host: example.com"],
        ["GET /api/v1/health HTTP/1.1", "Host: localhost", "Host: example.com"],
        ["GET /api/v1/health HTTP/1.0"],
        ["GET /api/v1/health HTTP/1.1", "Host: localhost", "Origin: null"],
    ],
)
def test_strangers_are_refused(server: str, lines: list[str]) -> None:
    assert raw(server, *lines).split()[1] in (b"400", b"403")


def test_a_chunked_body_beyond_the_limit_is_refused(server: str) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(11):
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"}
    answer = httpx.put(server + "/api/v1/mlmodels", content=endless(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])  # noqa: S104  (refused)
def test_addresses_that_others_can_reach_are_refused(host: str) -> None:
    with pytest.raises(InvalidInputError, match="other machines"):
        serve(Settings(store="sqlite://", host=host))


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInputError, match=f"port {port} of 127.0.0.1 is taken"):
            serve(Settings(store=f"sqlite:///{store}", port=port))
    assert not store.exists(), "nothing is opened before the port is ours"
