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


def reached(hw: Headwater, source: str, *targets: str) -> dict[str, str]:
    """What impact says of a model over each of these columns: certain, perhaps, or nothing."""
    for at, target in enumerate(targets):
        table, _, column = target.rpartition(".")
        sources = [{"name": column, "dataSource": table}]
        features = [{"name": "f", "featureSources": sources}]
        body = {"name": f"m{at}", "algorithm": "x", "mlFeatures": features}
        hw.create_or_update(body, kind="mlmodel")
    found = hw.impact(source)
    certain = {each.node.name for each in found.models}
    perhaps = {each.node.name for each in found.table_level_models}
    names = {target: f"m{at}" for at, target in enumerate(targets)}
    return {
        target.rpartition(".")[2]: "certain" if name in certain else "perhaps"
        for target, name in names.items()
        if name in certain | perhaps
    }
