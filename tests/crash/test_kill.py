"""Killed at any instant, the catalog has all that it acknowledged, and nothing by halves.

The ledger of acknowledgements is kept by this process; the writer is another one, and is killed.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService
from headwater.lineage import derive
from headwater.store import Store, open_store
from headwater.store.base import Record, SearchQuery, Term
from headwater.version import Version
from tests.crash.writer import MODEL, SCHEMA

WRITER = Path(__file__).with_name("writer.py")
KILLS = int(os.environ.get("HEADWATER_KILLS", "3"))
"""How often each engine's writer is killed; `make test-crash` kills each 50 times."""
LONGEST = 0.9
"""Seconds from the writer's start to its end, at most."""
ME = Actor()


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store with a schema to put tables in, and a model."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'catalog.db'}"
    else:
        address = request.getfixturevalue("neo4j_url")
    store = open_store(address)
    catalog = CatalogService(store, derive=derive)
    catalog.ensure_built_in()
    catalog.put("databaseService", {"name": "wh"}, actor=ME)
    catalog.put("database", {"name": "main", "service": "wh"}, actor=ME)
    catalog.put("databaseSchema", {"name": "shop", "database": "wh.main"}, actor=ME)
    catalog.put("mlmodel", {"name": "churn", "algorithm": "RF"}, actor=ME)
    store.close()
    return address


def test_a_killed_writer_loses_nothing_that_was_acknowledged(url: str) -> None:
    ledger = Ledger()
    for round_ in range(KILLS):
        seconds = random.uniform(0.0, LONGEST)  # noqa: S311  (no secret)
        ledger.add(killed_writer(url, round_, seconds))
        store = open_store(url)
        try:
            ledger.check(store)
            check_whole(store, f"r{round_}n")
            check_lifecycle(store)
        finally:
            store.close()
    assert ledger.versions, "no writer came to write anything"


def killed_writer(url: str, round_: int, seconds: float) -> list[dict[str, Any]]:
    """What a writer said was acknowledged before it was killed, so long after its first write."""
    command = [sys.executable, str(WRITER), url, str(round_)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment()) as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        text, end = b"", None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while end is None or time.monotonic() < end:
                left = 60.0 if end is None else max(0.0, end - time.monotonic())
                if selector.select(left):
                    read = process.stdout.read()
                    assert read, "the writer ended by itself"
                    text += read
                    end = time.monotonic() + seconds if end is None else end
                else:
                    assert end is not None, "the writer did not start within a minute"
        process.kill()
        os.set_blocking(process.stdout.fileno(), True)
        text += process.stdout.read()
    whole = text[: text.rfind(b"\n") + 1]  # the last line may have been cut off
    return [json.loads(line) for line in whole.splitlines()]


class Ledger:
    """What was acknowledged, over all writers."""

    def __init__(self) -> None:
        self.versions: dict[str, Version] = {}
        self.numbers: dict[int, str] = {}

    def add(self, lines: list[dict[str, Any]]) -> None:
        """Take down what one writer said."""
        for line in lines:
            if "version" in line:
                version = Version.parse(line["version"])
                known = self.versions.get(line["id"], version)
                self.versions[line["id"]] = max(known, version)
            if "number" in line:
                self.numbers[line["number"]] = line["production"]

    def check(self, store: Store) -> None:
        """Everything acknowledged is there, in the version that was said or a later one."""
        found = store.find_many(list(self.versions))
        lost = self.versions.keys() - {str(key) for key in found}
        assert not lost
        for key, record in found.items():
            assert Version.parse(record.version) >= self.versions[str(key)], record.fqn
        for number, version_id in self.numbers.items():
            [moved, *_] = store.entries(
                entity_ids=[str(model_of(store).id)], types=["modelVersion"], keys=[str(number)]
            )
            assert json.loads(moved.data)["id"] == version_id
            moves = store.entries(
                entity_ids=[model_of(store).id], types=["lifecycle"], keys=[version_id]
            )
            assert any(json.loads(each.data)["to"] == "production" for each in moves)


def model_of(store: Store) -> Record:
    record = store.find(("mlmodel", MODEL))
    assert record is not None
    return record


def check_whole(store: Store, prefix: str) -> None:
    """Of what the last writer wrote, every part is there or none: lineage, search, events, past."""
    events = all_events(store)
    assert [each.number for each in events] == list(range(1, len(events) + 1))
    told: dict[str, list[str]] = {}
    for each in events:
        told.setdefault(each.event.entity_id, []).append(each.event.version)
    nodes = store.nodes(fqns=names(store, prefix))
    for node in (each for each in nodes if each.owner_id is None):
        record = store.find(node.id)
        assert record is not None
        states = store.versions(node.id)
        assert [each.rev for each in states] == list(range(record.rev, 0, -1))
        assert told[node.id][-1] == record.version
        query = SearchQuery((Term((record.name.casefold(),)),), {"kind": (record.kind,)})
        assert [each.id for each in store.search(query).records] == [record.id], record.fqn
        if record.kind == "mlmodel":
            check_lineage(store, record)


def names(store: Store, prefix: str) -> list[str]:
    """FQNs of the tables and models whose names begin so."""
    found = []
    for each in all_events(store):
        if each.event.fqn.rpartition(".")[2].startswith(prefix):
            found.append(each.event.fqn)
    return list(dict.fromkeys(found))


def all_events(store: Store) -> list[Any]:
    events: list[Any] = []
    while page := store.events(after=len(events), limit=1000):
        events += page
    return events


def check_lineage(store: Store, model: Record) -> None:
    """The edges of a model are what its document says."""
    [feature] = json.loads(model.document)["mlFeatures"]
    table = store.find(("table", f"{SCHEMA}.{model.name}"))
    assert table is not None
    columns = {each["id"] for each in json.loads(table.document)["columns"]}
    edges = store.edges(producer=f"entity:{model.id}")
    wanted = {(column, feature["id"], "fine") for column in columns}
    wanted |= {(feature["id"], model.id, "fine"), (table.id, model.id, "coarse")}
    assert {(e.key.from_id, e.key.to_id, e.key.level) for e in edges} == wanted


def check_lifecycle(store: Store) -> None:
    """Model, versions and the record of moves tell one story."""
    record = model_of(store)
    model = json.loads(record.document)
    lifecycle = model.get("lifecycle", {})
    versions = [
        json.loads(found.document)
        for each in store.descendants(record.id)
        if (found := store.find(each.id))
    ]
    numbers = sorted(each["number"] for each in versions)
    assert numbers == list(range(1, lifecycle.get("lastNumber", 0) + 1))
    in_production = [each for each in versions if each["stage"] == "production"]
    serving = lifecycle.get("serving")
    assert [each["id"] for each in in_production] == ([serving["id"]] if serving else [])
    if serving:
        assert model["algorithm"] == in_production[0]["algorithm"]
    for each in versions:
        moves = store.entries(entity_ids=[record.id], types=["lifecycle"], keys=[each["id"]])
        last = json.loads(moves[0].data)["to"] if moves else "none"
        assert each["stage"] == last, each["name"]


def _environment() -> dict[str, str]:
    here = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": here}
