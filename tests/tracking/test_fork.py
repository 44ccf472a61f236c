"""Processes that a step forks by hand: only the one that began a run writes for it and ends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater import Client, Headwater, Model, connect
from headwater.tracking import disconnect
from tests.docs.markdown import ROOT
from tests.sdk.server import clean_environ, running_server

FORKING = """
import os, sys
import pandas as pd
from typing import Annotated
from headwater import Client, Model, connect, pipeline, read_table, save_artifact, step

where, leaves = sys.argv[1:]
connect(where) if where.startswith("http") else connect(store=where)
parent = os.getpid()

@step
def split() -> Annotated[int, "made"]:
    child = os.fork()
    if child:
        Client().get_model("forked")
        return os.waitpid(child, 0)[1]
    if leaves == "exits":
        sys.exit(0)
    if leaves == "raises":
        raise ValueError("in the child")
    pd.DataFrame({"a": [1]}).to_csv("data.csv", index=False)
    read_table("warehouse.main.shop.orders", "data.csv")
    save_artifact("made by the child", [1])
    return 0

@step
def join(n: int) -> Annotated[int, "joined"]:
    return n

@pipeline(model=Model("forked", delete_new_version_on_failure=True))
def forking():
    return join(split())

try:
    forking()
finally:
    if os.getpid() != parent:
        os._exit(7)
"""


@pytest.fixture(params=["server", "store"])
def where(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Where a catalog is: a server's address, or a store to work on in process."""
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "catalog.db")
    if request.param == "store":
        yield path
    else:
        with running_server(f"sqlite:///{path}") as url:
            yield url
    disconnect()


def client_of(where: str) -> Headwater:
    return connect(where) if where.startswith("http") else connect(store=where)


@pytest.mark.parametrize("leaves", ["exits", "raises", "returns"])
def test_a_forked_child_of_a_step_ends_no_run_of_its_parent(where: str, leaves: str) -> None:
    hw = client_of(where)
    hw.create({"name": "warehouse", "serviceType": "Postgres"}, kind="databaseService")
    hw.create({"name": "main", "service": "warehouse"}, kind="database")
    hw.create({"name": "shop", "database": "warehouse.main"}, kind="databaseSchema")
    columns = [{"name": "a", "dataType": "INT"}]
    schema = "warehouse.main.shop"
    hw.create({"name": "orders", "databaseSchema": schema, "columns": columns}, kind="table")
    disconnect()
    command = [sys.executable, "-c", FORKING, where, leaves]
    done = subprocess.run(
        command, env=clean_environ(PYTHONPATH=str(ROOT)), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    client_of(where)
    run = Client().get_pipeline_run("forking")
    assert (run.status, [each.status for each in run.steps or ()]) == (
        "completed", ["completed"] * 2,
    )  # fmt: skip
    version = Model("forked", version="latest")
    assert (version.number, version.status) == (1, "ready")
    assert {each.name for each in version.list_artifacts()} == {"made", "joined"}
    assert version.get_artifact("made").load() == 7 << 8  # the child got to the script's end
    assert list((Path(".headwater")).glob("journal/*")) == []
