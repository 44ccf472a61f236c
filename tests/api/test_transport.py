"""The application in process: the transport behind ``Headwater.open``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from headwater.app import in_process_transport
from headwater.errors import ClientError, HeadwaterError
from headwater.sdk import Headwater

BASE = "http://localhost/api/v1"


def loops() -> int:
    """How many transports have a running loop; worker threads may take a moment longer to end."""
    return sum(thread.name == "headwater" for thread in threading.enumerate())


def test_it_works_while_another_loop_runs() -> None:
    async def notebook() -> int:
        with httpx.Client(transport=in_process_transport("sqlite://"), base_url=BASE) as client:
            return client.get("/health").status_code

    assert asyncio.run(notebook()) == 200


def test_many_threads_share_one() -> None:
    with httpx.Client(transport=in_process_transport("sqlite://"), base_url=BASE) as client:

        def create(number: int) -> int:
            return client.put("/mlmodels", json={"name": str(number), "algorithm": "x"}).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(create, range(40))) == {201}
        page = client.get("/mlmodels", params={"limit": 1, "total": "true"}).json()
        assert page["paging"]["total"] == 40


def test_a_streamed_request_is_read() -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"name": "a",'
        yield b'"algorithm": "b"}'

    with httpx.Client(transport=in_process_transport("sqlite://"), base_url=BASE) as client:
        answer = client.post(
            "/mlmodels", content=pieces(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 201


def test_closing_ends_the_thread_and_frees_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    before = loops()
    transport = in_process_transport(url)
    transport.close()
    transport.close()
    assert loops() == before
    with pytest.raises(HeadwaterError, match="closed"):
        transport.handle_request(httpx.Request("GET", BASE + "/health"))


def test_what_one_client_wrote_the_next_one_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Headwater.open(path) as first:
        written = first.create_or_update({"name": "a", "algorithm": "b"}, kind="mlmodel")
    with Headwater.open(path) as second:
        assert second.get("mlmodel", "headwater.a") == written


def test_closing_lets_running_requests_end() -> None:
    transport = in_process_transport("sqlite://")
    items = [{"name": str(number), "algorithm": "x"} for number in range(300)]
    request = httpx.Request("PUT", BASE + "/mlmodels/bulk", json=items)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(transport.handle_request, request) for _ in range(4)]
        answers[0].result()
        transport.close()
    for each in answers:
        if (error := each.exception()) is None:
            assert each.result().status_code == 200
        else:
            assert isinstance(error, ClientError)


def test_a_store_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = loops()
    with pytest.raises(HeadwaterError):
        in_process_transport(f"sqlite:///{tmp_path}")
    assert loops() == before
