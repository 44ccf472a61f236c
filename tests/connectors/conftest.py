"""Real databases to read, and a catalog to write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from headwater import Headwater

MakeDatabase = Callable[[str], str]
"""Makes a database file by a script of SQL; answers its URL. Again, it changes that file."""


@pytest.fixture
def sqlite(tmp_path: Path) -> MakeDatabase:
    def make(script: str) -> str:
        file = tmp_path / "cellar.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(script)
        return f"sqlite:///{file}"

    return make


@pytest.fixture
def duck(tmp_path: Path) -> MakeDatabase:
    def make(script: str) -> str:
        file = tmp_path / "cellar.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(script)
        return f"duckdb:///{file}"

    return make


@pytest.fixture
def hw(tmp_path: Path) -> Iterator[Headwater]:
    with Headwater.open(tmp_path / "catalog.db") as client:
        yield client
