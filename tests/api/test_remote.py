"""A remote store that does not answer: requests end, with a clear problem."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from headwater.app import InProcessTransport
from headwater.settings import Settings
from headwater.store.base import Key, Record
from headwater.store.sqlite import SqliteStore


class Hanging(SqliteStore):
    """Counts as remote, and answers no read until it is released."""

    local = False
    released = threading.Event()

    def find(
        self, key: Key, *, as_of: int | None = None, version: str | None = None
    ) -> Record | None:
        self.released.wait(30)
        return super().find(key, as_of=as_of, version=version)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    store = Hanging("sqlite://")
    store.migrate()
    store.released.set()
    transport = InProcessTransport(store, Settings(read_timeout=0.2, write_timeout=0.2))
    with httpx.Client(base_url="http://localhost/api/v1", transport=transport) as client:
        assert client.get("/mlmodelServices/name/headwater").status_code == 200
        store.released.clear()
        yield client
        store.released.set()


def test_a_read_that_gets_no_answer_is_a_problem(client: httpx.Client) -> None:
    answer = client.get("/mlmodels/name/headwater.m")
    assert answer.status_code == 503
    assert answer.json()["code"] == "store-failed"


def test_a_write_that_gets_no_answer_says_that_its_outcome_is_unknown(client: httpx.Client) -> None:
    answer = client.put("/mlmodels", json={"name": "m", "algorithm": "a"})
    assert answer.status_code == 503
    assert "not known" in answer.json()["message"]
