"""Steps in threads and processes: recorded where one run can be meant, and told of elsewhere."""

from __future__ import annotations

import contextvars
import multiprocessing
import pickle
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest

from headwater import (
    Client,
    Headwater,
    Model,
    connect,
    get_step_context,
    log_metadata,
    pipeline,
    read_table,
    save_artifact,
    step,
)
from headwater.connectors.sql import ingest
from headwater.tracking import disconnect
from tests.sdk.server import running_server


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Headwater]:
    """A server's catalog, since threads speak side by side."""
    monkeypatch.chdir(tmp_path)
    with running_server(f"sqlite:///{tmp_path / 'catalog.db'}") as url:
        yield connect(url)
        disconnect()


@step
def square(n: int) -> Annotated[dict[str, int], "squared"]:
    time.sleep(0.05)  # so that several are at work at once
    log_metadata({"of": n})
    save_artifact(f"note {n}", [n])
    return {"n": n * n}


def steps_of(name: str) -> dict[str, dict[str, Any]]:
    run = Client().get_pipeline_run(name).to_wire()
    return {each["name"]: each for each in run["steps"]}


def test_steps_in_threads_of_a_pipeline_are_recorded(catalog: Headwater) -> None:
    @pipeline(model=Model("squares"))
    def squaring() -> list[dict[str, int]]:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(square, range(8)))

    assert squaring() == [{"n": n * n} for n in range(8)]
    steps = steps_of("squaring")
    assert set(steps) == {"square", *(f"square_{n}" for n in range(2, 9))}
    assert {each["status"] for each in steps.values()} == {"completed"}
    assert sorted(each["parameters"][0]["value"] for each in steps.values()) == [*range(8)]
    for name, each in steps.items():
        number = each["parameters"][0]["value"]
        made = {one["fullyQualifiedName"].partition(".")[0] for one in each["outputs"]}
        assert made == {"squared", f"note {number}"}
        run = Client().get_pipeline_run("squaring")
        assert Client().get_run_metadata(run, name)["of"].value == number
    version = Model("squares", 1)
    assert version.status == "ready"
    assert len(list(version.list_artifacts())) == 16


def test_steps_of_one_model_in_threads_make_one_version(catalog: Headwater) -> None:
    owned = square.with_options(model=Model("squares"))

    @pipeline
    def squaring() -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(owned, range(4)))

    squaring()
    assert [each.number for each in Client().list_model_versions("squares")] == [1]
    assert len(list(Model("squares", 1).list_artifacts())) == 8


def test_what_a_thread_of_a_step_says_is_the_step_s(catalog: Headwater) -> None:
    def work() -> None:
        log_metadata({"a": get_step_context().step_name})
        save_artifact("within", [1])

    @step
    def working() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()

    @pipeline
    def threaded() -> None:
        working()

    threaded()
    assert [each["outputs"][0]["fullyQualifiedName"].partition(".")[0]
            for each in steps_of("threaded").values()] == ["within"]  # fmt: skip
    run = Client().get_pipeline_run("threaded")
    assert Client().get_run_metadata(run, "working")["a"].value == "working"


def test_what_steps_in_threads_read_is_told_apart(catalog: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        for name in ("left", "right"):
            connection.execute(f'CREATE TABLE "{name}" (a INTEGER)')
        connection.commit()
    ingest(catalog, f"sqlite:///{file}", service="shop")
    both = threading.Barrier(2)

    @step
    def read(name: str) -> Annotated[pd.DataFrame, "rows"]:
        with closing(sqlite3.connect(file)) as connection:
            both.wait(30)
            frame = read_table(f"shop.shop.main.{name}", connection)
            both.wait(30)
            return frame

    @pipeline
    def reading() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(read, ["left", "right"]))

    reading()
    for each in steps_of("reading").values():
        (found,) = each["inputs"]
        assert found["fullyQualifiedName"].endswith(each["parameters"][0]["value"])
    run = Client().get_pipeline_run("reading")
    assert sorted(str(each.name) for each in run.inputs or ()) == ["left", "right"]


def test_pipelines_side_by_side_keep_their_steps_apart(catalog: Headwater) -> None:
    both = threading.Barrier(2)

    def running(name: str) -> None:
        @pipeline(name=name)
        def run() -> None:
            both.wait(30)
            square(1)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(contextvars.copy_context().run, square, 2).result()
                if name == "one":
                    with pytest.warns(UserWarning, match="not exactly one began before"):
                        assert pool.submit(triple, 3).result() == 9
            both.wait(30)

        run()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(running, ["one", "two"]))
    for name in ("one", "two"):
        assert [each["parameters"][0]["value"] for each in steps_of(name).values()] == [1, 2]


def test_a_thread_from_before_the_run_is_none_of_it(catalog: Headwater) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()

        @pipeline
        def running() -> None:
            with pytest.warns(UserWarning, match="is not recorded"):
                assert pool.submit(triple, 2).result() == 6
            assert pool.submit(contextvars.copy_context().run, triple, 3).result() == 9

        running()
    assert [each["parameters"][0]["value"] for each in steps_of("running").values()] == [3]


@step
def triple(n: int) -> int:
    return 3 * n


def call(results: Any) -> None:
    with pytest.warns(UserWarning, match="in a process of its own"):
        results.put(triple(3))
    save_artifact("made elsewhere", [3])
    results.put(Client().get_artifact_version("made elsewhere").load())


def test_a_step_in_a_forked_process_is_told_not_to_be_recorded(catalog: Headwater) -> None:
    @pipeline
    def forking() -> list[Any]:
        context = multiprocessing.get_context("fork")
        results = context.Queue()
        process = context.Process(target=call, args=(results,))
        process.start()
        found = [results.get(timeout=60), results.get(timeout=60)]
        process.join(60)
        square(1)
        return found

    assert forking() == [9, [3]]
    assert Client().get_pipeline_run("forking").status == "completed"
    assert set(steps_of("forking")) == {"square"}
    assert pickle.loads(pickle.dumps(triple)) is triple  # noqa: S301  (its own)
