"""Foreign servers, one for each worker; without them tests are skipped, or fail in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from headwater import Headwater

from .postgres import Postgres, missing_package, postgres

MakeDatabase = Callable[[str], str]
"""Makes a new database by a script of SQL; answers its URL."""

_SKIPPED = "no PostgreSQL: "
_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server.

    Without Debian's package the test is skipped; with ``HEADWATER_REQUIRE_CLIENTS=1`` it fails.
    """
    if missing := missing_package():
        if os.environ.get("HEADWATER_REQUIRE_CLIENTS") == "1":
            pytest.fail(_SKIPPED + missing)
        pytest.skip(_SKIPPED + missing)
    with postgres() as running:
        yield running


@pytest.fixture
def database(server: Postgres) -> str:
    """The name of a new, empty database."""
    name = f"cellar{next(_numbers)}"
    server.run(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def hw(tmp_path: Path) -> Iterator[Headwater]:
    with Headwater.open(tmp_path / "catalog.db") as client:
        yield client


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how many tests had no server."""
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = [r.longrepr[2] for r in skipped if isinstance(r.longrepr, tuple)]
    without = [reason for reason in reasons if _SKIPPED in reason]
    if without:
        message = f"{len(without)} tests did NOT run: {without[0].removeprefix('Skipped: ')}"
        terminalreporter.write_line(message, red=True, bold=True)
