"""Clients of the real application: in process, over HTTP, and with a record of what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from headwater import (
    Column,
    CreateDatabase,
    CreateDatabaseSchema,
    CreateDatabaseService,
    CreateTable,
    Headwater,
    Table,
)
from headwater.sdk.in_process import in_process_transport
from tests.sdk.server import running_server


@dataclass
class Recorder(httpx.BaseTransport):
    """Passes requests on, and keeps them."""

    inner: httpx.BaseTransport
    sent: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()

    def methods(self) -> list[str]:
        """The methods sent since the last call."""
        found = [request.method for request in self.sent]
        self.sent.clear()
        return found


@pytest.fixture
def wire() -> Recorder:
    """The application in process, over an empty SQLite store in memory."""
    return Recorder(in_process_transport(":memory:"))


@pytest.fixture
def hw(wire: Recorder) -> Iterator[Headwater]:
    """A client of it."""
    with Headwater("http://localhost", transport=wire) as client:
        yield client


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that the tests of one worker share."""
    file = tmp_path_factory.mktemp("server") / "headwater.db"
    with running_server(f"sqlite:///{file}") as url:
        yield url


@pytest.fixture
def customers(hw: Headwater) -> Table:
    """The table ``shop.main.raw.customers``, in a client's catalog."""
    return add_customers(hw)


def add_customers(hw: Headwater) -> Table:
    """Write ``shop.main.raw.customers`` and all that it stands in."""
    service = hw.create_or_update(CreateDatabaseService(name="shop"))
    database = hw.create_or_update(CreateDatabase(name="main", service=service.name))
    schema = hw.create_or_update(
        CreateDatabaseSchema(name="raw", database=database.fully_qualified_name)
    )
    columns = [Column(name="age", dataType="INT"), Column(name="city", dataType="VARCHAR")]
    return hw.create_or_update(
        CreateTable(name="customers", databaseSchema=schema.fully_qualified_name, columns=columns)
    )
