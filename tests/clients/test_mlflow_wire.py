"""What the MLflow connector asks real servers for, seen by a proxy before them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from headwater import Headwater, SourceError
from headwater.connectors import mlflow_run
from headwater.connectors.mlflow import ingest
from headwater.connectors.mlflow_source import read_registry
from headwater.connectors.report import Report
from headwater.connectors.run import RunOptions
from tools.mlflow_server import Server, server

from .proxy import ARTIFACT, Proxy, proxy

MODELS = "/api/2.0/mlflow/registered-models/search"
TOKEN = "only for this test"  # noqa: S105 - as it says
MLMODEL = """\
flavors: {lightgbm: {model_class: lightgbm.sklearn.%s}}
signature: {inputs: '[{"type": "long", "name": "age"}]'}
"""


@pytest.fixture(scope="module", params=[2, 3])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    """A server of MLflow 2 or 3, and the folder that it works in."""
    folder = tmp_path_factory.mktemp(f"mlflow-{request.param}")
    with server(folder, request.param) as running:
        yield running, folder


@pytest.fixture
def own(served: tuple[Server, Path]) -> Iterator[Server]:
    """The server, whose models are those of the test alone."""
    found, _ = served
    yield found
    listed = found.send("GET", "registered-models/search")
    for each in listed.get("registered_models", ()):
        found.delete("registered-models/delete", name=each["name"])


@pytest.fixture
def front(own: Server) -> Iterator[Proxy]:
    with proxy(own.url) as running:
        yield running


class Training(NamedTuple):
    """A run that made a model."""

    run_id: str
    source: str
    file: Path

    def write(self, algorithm: str) -> None:
        """Write the file that describes the model."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(MLMODEL % algorithm)


def train(found: Server, folder: Path, algorithm: str) -> Training:
    made = found.post("runs/create", experiment_id="0", start_time=1_700_000_000_000)
    info = made["run"]["info"]
    source = f"{info['artifact_uri']}/model"
    place = source.removeprefix("mlflow-artifacts:/")
    training = Training(info["run_id"], source, folder / "artifacts" / place / "MLmodel")
    training.write(algorithm)
    return training


def register(found: Server, model: str, *trainings: Training) -> None:
    found.post("registered-models/create", name=model)
    for each in trainings:
        add_version(found, model, each.source, run_id=each.run_id)


def add_version(found: Server, model: str, source: str, **more: str) -> None:
    found.post("model-versions/create", name=model, source=source, **more)


def run(hw: Headwater, front: Proxy, **config: Any) -> Report:
    return ingest(hw, front.url, service="registry", **config)


def algorithms(hw: Headwater) -> dict[str, str]:
    versions = hw.list("modelVersion", service="registry")
    return {each.fully_qualified_name: each.algorithm for each in versions}


def test_files_of_unchanged_versions_are_asked_for_once(
    hw: Headwater, own: Server, front: Proxy, served: tuple[Server, Path]
) -> None:
    first = train(*served, "LGBMClassifier")
    second = train(*served, "LGBMRegressor")
    register(own, "m", first, second)
    assert run(hw, front, options=RunOptions(preview=True)).created
    assert front.files() == 2
    run(hw, front)
    assert front.files() == 2
    known = algorithms(hw)
    assert known == {"registry.m.1": "LGBMClassifier", "registry.m.2": "LGBMRegressor"}
    events = len(list(hw.events(kinds=["modelVersion"])))
    report = run(hw, front)
    assert (front.files(), report.created, report.changed) == (0, 0, 0)
    assert len(list(hw.events(kinds=["modelVersion"]))) == events
    third = train(*served, "LGBMRegressor")
    add_version(own, "m", third.source, run_id=third.run_id)
    assert (run(hw, front).created, front.files()) == (2, 1)  # it and its run
    assert algorithms(hw) == {**known, "registry.m.3": "LGBMRegressor"}
    assert [f.name for f in hw.get("modelVersion", "registry.m.3").ml_features] == ["age"]


def test_a_version_that_changed_or_was_made_anew_is_read_again(
    hw: Headwater, own: Server, front: Proxy, served: tuple[Server, Path]
) -> None:
    training = train(*served, "LGBMClassifier")
    register(own, "m", training)
    add_version(own, "m", "s3://nothing/here")
    own.post("registered-models/create", name="other")
    assert [each.name for each in run(hw, front).unresolved] == ["registry.m.2"]
    front.files()
    run(hw, front)
    assert front.files() == 1  # what could not be read
    own.send("PATCH", "model-versions/update", name="m", version="1", description="New words.")
    run(hw, front)
    assert front.files() == 2
    own.delete("registered-models/delete", name="m")
    training.write("LGBMRanker")
    register(own, "m", training)
    run(hw, front)
    assert front.files() == 1
    assert algorithms(hw)["registry.m.1"] == "LGBMRanker"


def test_what_somebody_set_in_the_catalog_is_read_again(
    hw: Headwater, own: Server, front: Proxy, served: tuple[Server, Path]
) -> None:
    register(own, "m", train(*served, "LGBMClassifier"))
    run(hw, front)
    version = hw.get("modelVersion", "registry.m.1")
    version.algorithm = "guessed"
    hw.update(version)
    front.files()
    run(hw, front)
    assert (front.files(), algorithms(hw)) == (1, {"registry.m.1": "LGBMClassifier"})


def test_versions_of_one_place_are_read_once(
    hw: Headwater, own: Server, front: Proxy, served: tuple[Server, Path]
) -> None:
    training = train(*served, "LGBMClassifier")
    for model in ("staging", "live"):
        register(own, model, training)
    run(hw, front)
    assert front.files() == 1
    assert set(algorithms(hw).values()) == {"LGBMClassifier"}


def test_a_token_is_sent_with_every_request(
    hw: Headwater, own: Server, front: Proxy, served: tuple[Server, Path]
) -> None:
    register(own, "m", train(*served, "LGBMClassifier"))
    front.token = TOKEN
    assert run(hw, front, tracking_token=TOKEN).succeeded
    assert algorithms(hw) == {"registry.m.1": "LGBMClassifier"}
    with pytest.raises(SourceError) as caught:
        run(hw, front, tracking_token=f"not {TOKEN}")
    assert "refuses the sign-in" in caught.value.message
    assert TOKEN not in caught.value.message


def test_a_busy_server_is_asked_again_when_it_says(
    hw: Headwater, own: Server, front: Proxy, served: tuple[Server, Path]
) -> None:
    register(own, "m", train(*served, "LGBMClassifier"))
    front.busy = {MODELS: 2, ARTIFACT: 1}
    report = run(hw, front)
    assert (report.succeeded, report.unresolved) == (True, [])
    assert algorithms(hw) == {"registry.m.1": "LGBMClassifier"}
    assert [wait >= 1 for wait in front.waits(MODELS)] == [True, True]
    assert [wait >= 1 for wait in front.waits(ARTIFACT)] == [True]


def test_a_server_that_stays_busy_is_told(hw: Headwater, own: Server, front: Proxy) -> None:
    front.busy = {MODELS: 100}
    with pytest.raises(SourceError, match="429"):
        run(hw, front)


def test_two_runs_at_once_leave_what_one_leaves(
    hw: Headwater,
    own: Server,
    front: Proxy,
    served: tuple[Server, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings = [train(*served, "LGBMClassifier") for _ in range(3)]
    for n in range(6):
        register(own, f"m{n}", *trainings)
        alias = {"name": f"m{n}", "alias": "champion", "version": "2"}
        own.post("registered-models/alias", **alias)
    both = Barrier(2)

    def together(*args: Any) -> Any:
        registry = read_registry(*args)
        both.wait(60)
        return registry

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(mlflow_run, "read_registry", together)
        reports = list(pool.map(lambda _: run(hw, front), range(2)))
    assert [(each.failed, each.deleted) for each in reports] == [([], 0), ([], 0)]
    versions = list(hw.list("modelVersion", service="registry"))
    assert len(versions) == 18
    assert {(each.name, each.stage) for each in versions} == {
        ("1", "none"),
        ("2", "production"),
        ("3", "none"),
    }
    for n in range(6):
        assert [each.number for each in hw.list("modelVersion", parent=f"registry.m{n}")] == [
            1,
            2,
            3,
        ]
        assert hw.get("mlmodel", f"registry.m{n}").algorithm == "LGBMClassifier"
    again = run(hw, front)
    assert (again.succeeded, again.created, again.changed, again.deleted) == (True, 0, 0, 0)
