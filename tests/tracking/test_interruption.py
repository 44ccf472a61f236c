"""Catalogs that are away, and processes that are killed: what is lost of a run, which is little."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import pytest

from headwater import (
    ArtifactVersion,
    Client,
    ClientError,
    Headwater,
    Model,
    connect,
    log_metadata,
    pipeline,
    save_artifact,
    step,
)
from headwater.tracking import disconnect
from headwater.tracking.sign_of_life import sign
from tests.docs.markdown import ROOT
from tests.sdk.server import clean_environ, running_server

KILLED = """
import sys, time
from typing import Annotated
from headwater import Model, connect, pipeline, step

connect(sys.argv[1])

@step
def first() -> tuple[Annotated[int, "one"], Annotated[str, "two"]]:
    return 1, "2"

@step
def second() -> Annotated[int, "three"]:
    print("at work", flush=True)
    time.sleep(600)
    return 3

@pipeline(model=Model("killed"))
def killing():
    first()
    second()

killing()
"""


QUICK = """
import sys
from itertools import count
from typing import Annotated
from headwater import Model, connect, pipeline, step

connect(sys.argv[1])

@step
def pair(n: int) -> tuple[Annotated[int, "left"], Annotated[str, "right"]]:
    return n, str(n)

@pipeline(model=Model("quick"))
def quick():
    for n in count():
        pair(n)
        print(n, flush=True)

quick()
"""


SAVING = """
import sys, time
from typing import Annotated, Any
from headwater import Model, connect, log_metadata, pipeline, save_artifact, step

connect(sys.argv[1])

@step
def first() -> Annotated[int, "one"]:
    return 1

@step
def second() -> Annotated[int, "three"]:
    save_artifact("checkpoint", {"epoch": 1})
    log_metadata({"loss": 0.5}, infer_model=True)
    time.sleep(0.3)  # the run is written meanwhile, which must not link what was saved
    print("at work", flush=True)
    time.sleep(600)  # until it is killed
    return 3

@step(model=Model("own", delete_new_version_on_failure=True))
def third() -> Annotated[int, "four"]:
    save_artifact("of its own", 4)
    return second.function()

@pipeline(model=Model("killed", delete_new_version_on_failure="deleted" in sys.argv))
def killing():
    first()
    third() if "own" in sys.argv else second()

killing()
"""


def kill(place: Path, url: str, *options: str) -> None:
    """Start a run that saves within a step, and kill it there."""
    script = place / "saving.py"
    script.write_text(SAVING, encoding="utf-8")
    command = [sys.executable, str(script), url, *options]
    environ = clean_environ(PYTHONPATH=str(ROOT))
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "at work\n"
        killed.send_signal(signal.SIGKILL)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, and no connection afterwards."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    disconnect()


@step
def make(value: int) -> Annotated[int, "made"]:
    log_metadata({"seen": value})
    return value


def test_a_catalog_that_is_not_there_fails_the_run_at_its_start(place: Path) -> None:
    connect("http://127.0.0.1:9")
    ran = []

    @pipeline(model=Model("iris"))
    def training() -> None:
        ran.append(1)

    with pytest.raises(ClientError, match="cannot reach"):
        training()
    assert ran == []


def test_a_catalog_that_vanishes_fails_no_run_and_is_told_later(place: Path) -> None:
    store = f"sqlite:///{place / 'catalog.db'}"
    with ExitStack() as server:
        connect(server.enter_context(running_server(store)))

        @pipeline(model=Model("iris"))
        def training() -> int:
            make(1)
            server.close()
            save_artifact("between", [1])
            return make(2)

        with pytest.warns(UserWarning, match="headwater resume") as warned:
            assert training() == 2
    found = re.search(r"kept in (\S+):", str(warned[-1].message))
    assert found
    journal = Path(found[1])
    with running_server(store) as url:
        connect(url)
        assert Client().get_pipeline_run("training").status == "running"
        command = [sys.executable, "-m", "headwater", "resume", str(journal), "--url", url]
        done = subprocess.run(command, env=clean_environ(PYTHONPATH=str(ROOT)), check=False)
        assert done.returncode == 0
        run = Client().get_pipeline_run("training")
        steps = {each["name"]: each for each in run.to_wire()["steps"]}
        assert (run.status, [*steps]) == ("completed", ["make", "make_2"])
        version = Client().get_model_version("iris")
        assert version.status == "ready"
        assert sorted(a.load() for a in version.list_artifacts() if a.name == "made") == [1, 2]
        assert Client().get_run_metadata(run, "make_2")["seen"].value == 2
        assert not journal.exists()


def test_a_catalog_that_is_back_at_the_end_is_told_at_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hw = connect(store=place / "catalog.db")
    bulk = Headwater.bulk

    @pipeline(model=Model("iris"))
    def training() -> None:
        make(1)
        with monkeypatch.context() as away:
            away.setattr(Headwater, "bulk", _away)
            make(2)

    with pytest.warns(UserWarning, match="does not answer"):
        training()
    assert Headwater.bulk is bulk
    run = Client().get_pipeline_run("training")
    assert (run.status, len(run.steps or ())) == ("completed", 2)
    assert len(list(Client().list_artifact_versions("made"))) == 2
    assert list((place / ".headwater" / "journal").iterdir()) == []
    assert hw.health()["status"] == "ok"


def test_a_version_that_was_deleted_as_its_run_was_silent_comes_back(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(store=place / "catalog.db")

    @pipeline(model=Model("iris", delete_new_version_on_failure=True))
    def training() -> None:
        make(1)
        monkeypatch.setattr(Headwater, "bulk", _away)
        make(2)

    bulk = Headwater.bulk
    with pytest.warns(UserWarning, match="does not answer"):
        training()
    monkeypatch.setattr(Headwater, "bulk", bulk)
    monkeypatch.setattr("headwater.tracking.sign_of_life.SILENCE", 0.0)
    assert list(Client().list_model_versions("iris")) == []
    (journal,) = (place / ".headwater" / "journal").iterdir()
    text = journal.read_text(encoding="utf-8")
    for _ in range(2):
        journal.write_text(text, encoding="utf-8")
        Client().send_journal(journal)
        (version,) = Client().list_model_versions("iris")
        assert (version.number, version.status) == (1, "ready")
        assert [each.name for each in version.list_artifacts()] == ["made", "made"]
        assert Client().get_pipeline_run("training").status == "completed"


@pytest.mark.parametrize("is_promoted", [False, True])
def test_a_failed_run_s_version_is_deleted_when_the_catalog_is_back(
    place: Path, *, is_promoted: bool
) -> None:
    store = f"sqlite:///{place / 'catalog.db'}"
    with ExitStack() as server:
        connect(server.enter_context(running_server(store)))

        @pipeline(model=Model("iris", delete_new_version_on_failure=True))
        def training() -> None:
            make(1)
            server.close()
            make(2)
            raise RuntimeError("no more")

        with pytest.warns(UserWarning, match="headwater resume"), pytest.raises(RuntimeError):
            training()
    (journal,) = (place / ".headwater" / "journal").iterdir()
    text = journal.read_text(encoding="utf-8")
    hw = connect(store=place / "catalog.db")
    if is_promoted:
        hw.set_stage(hw.model_version("headwater.iris", 1), "production")
    for _ in range(2):  # broken off, it is sent again
        journal.write_text(text, encoding="utf-8")
        Client().send_journal(journal)
        found = [(each.number, each.status) for each in Client().list_model_versions("iris")]
        assert found == ([(1, "failed")] if is_promoted else [])
        assert Client().get_pipeline_run("training").status == "failed"


def test_a_killed_run_is_interrupted_with_nothing_half_linked(place: Path) -> None:
    with running_server(f"sqlite:///{place / 'catalog.db'}") as url:
        script = place / "killed.py"
        script.write_text(KILLED, encoding="utf-8")
        connect(url)
        environ = clean_environ(PYTHONPATH=str(ROOT))
        command = [sys.executable, str(script), url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as killed:
            assert killed.stdout is not None
            assert killed.stdout.readline() == "at work\n"
            assert Client().get_pipeline_run("killing").status == "running"
            killed.send_signal(signal.SIGKILL)
        run = Client().get_pipeline_run("killing")
        assert run.status == "interrupted"
        assert Client().catalog.get("pipelineRun", id=run.id).status == "interrupted"
        version = Client().get_model_version("killed")
        assert version.status == "failed"
        assert {each.name for each in version.list_artifacts()} == {"one", "two"}
        assert [each.status for each in Client().list_version_runs(version)] == ["interrupted"]


def test_runs_that_are_killed_at_any_instant_leave_nothing_half_linked(place: Path) -> None:
    with running_server(f"sqlite:///{place / 'catalog.db'}") as url:
        script = place / "quick.py"
        script.write_text(QUICK, encoding="utf-8")
        hw = connect(url)
        command = [sys.executable, str(script), url]
        environ = clean_environ(PYTHONPATH=str(ROOT))
        for number, delay in enumerate((0.0, 0.03, 0.07, 0.11, 0.15), 1):
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ
            ) as killed:
                assert killed.stdout is not None
                killed.stdout.readline()
                time.sleep(delay)
                killed.send_signal(signal.SIGKILL)
            run = Client().get_pipeline_run("quick")
            assert run.status == "interrupted"
            version = Client().get_model_version("quick", number)
            assert version.status == "failed"
            linked = list(version.list_artifacts())
            made = [a for a in hw.list("artifactVersion") if a.produced_by.id == run.id]
            assert {each.id for each in linked} == {each.id for each in made}
            assert {len(found) for found in by_step(made).values()} == {2}
            steps = run.to_wire().get("steps", [])
            completed = [step for step in steps if step["status"] == "completed"]
            assert {step["name"] for step in completed} <= set(by_step(made))
            assert all(len(step["outputs"]) == 2 for step in completed)
            others = [step for step in steps if step["status"] != "completed"]
            assert [step["status"] for step in others] in ([], ["interrupted"])
            assert not any(step.get("outputs") for step in others)


def test_what_a_killed_step_saved_is_linked_to_nothing(place: Path) -> None:
    with running_server(f"sqlite:///{place / 'catalog.db'}") as url:
        hw = connect(url)
        kill(place, url)
        version = Client().get_model_version("killed")  # nobody has read the run before
        assert version.status == "failed"
        assert {each.name for each in version.list_artifacts()} == {"one"}
        saved = Client().get_artifact_version("checkpoint")
        assert (saved.entity.produced_by, saved.load()) == (None, {"epoch": 1})
        run = hw.get("pipelineRun", id=str(version.entity.run and version.entity.run.id))
        first, second = run.steps
        assert (run.status, first.status, second.status) == (
            "interrupted", "completed", "interrupted",
        )  # fmt: skip
        assert run.ended_at >= second.started_at >= first.ended_at
        assert run.ended_at == second.ended_at
        assert {each.fully_qualified_name for each in run.outputs if each.type != "modelVersion"}
        logged = version.run_metadata["loss"]
        assert (logged.run, logged.step) == (run.id, "second")


def test_a_killed_run_leaves_no_version_when_so_configured(place: Path) -> None:
    with running_server(f"sqlite:///{place / 'catalog.db'}") as url:
        hw = connect(url)
        Model("killed", version="kept").resolve()
        kill(place, url, "deleted")
        assert Client().get_model_version("killed").version == "kept"
        kill(place, url, "deleted")
        assert [each.version for each in Client().list_model_versions("killed")] == ["kept"]
        kill(place, url, "deleted")
        kill(place, url, "deleted", "own")  # which finds the one before it
        statuses = [each.status for each in Client().list_pipeline_runs("killing")]
        assert statuses == ["interrupted"] * 4
        assert [each.version for each in Client().list_model_versions("killed")] == ["kept"]
        assert list(Client().list_model_versions("own")) == []
        assert len({each.id for each in hw.list("artifactVersion")}) == 9


def by_step(made: list[ArtifactVersion]) -> dict[str, list[str]]:
    """Names of artifacts by the step that made them."""
    found: dict[str, list[str]] = {}
    for each in made:
        found.setdefault(str(each.step), []).append(each.artifact.name or "")
    return found


def test_a_silent_run_of_another_machine_is_interrupted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hw = connect(store=place / "catalog.db")
    hw.create_or_update({"name": "headwater"}, kind="pipelineService")
    hw.create({"name": "far", "service": "headwater"}, kind="pipeline")
    run = {"name": "one", "pipeline": "headwater.far", "status": "running", "startedAt": 1}
    hw.create({**run, "environment": {"host": "elsewhere", "pid": 1}}, kind="pipelineRun")
    hw.put_records([sign("headwater.far", "one", "running")])
    assert Client().get_pipeline_run("far").status == "running"
    monkeypatch.setattr("headwater.tracking.sign_of_life.SILENCE", 0.0)
    assert Client().get_pipeline_run("far").status == "interrupted"
    assert [each.status for each in Client().list_pipeline_runs("far")] == ["interrupted"]


def test_the_next_run_finds_the_one_that_was_killed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hw = connect(store=place / "catalog.db")

    @pipeline
    def again() -> None:
        make(1)

    again()
    first = Client().get_pipeline_run("again")
    hw.create_or_update(
        {"name": first.name, "pipeline": "headwater.again", "status": "running"},
        kind="pipelineRun",
    )
    hw.put_records([sign("headwater.again", first.name, "running")])
    monkeypatch.setattr("headwater.tracking.sign_of_life.SILENCE", 0.0)
    again()
    assert hw.get("pipelineRun", id=first.id).status == "interrupted"


def _away(*_: object) -> None:
    raise ClientError("the network is down")
