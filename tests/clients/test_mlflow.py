"""The MLflow connector against real servers of MLflow 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from headwater import Headwater, NotFoundError, SourceError
from headwater.connectors import mlflow_run
from headwater.connectors.mlflow import ingest
from headwater.connectors.mlflow_model import read_files
from headwater.connectors.run import RunOptions
from tools.mlflow_server import ADMIN_PASSWORDS, Server, server

SERVICE = "registry"
CHURN = "registry.churn"
TABLE = "wh.main.shop.customers"
PREVIEW = RunOptions(preview=True)


@pytest.fixture(scope="module", params=[2, 3])
def generation(request: pytest.FixtureRequest) -> int:
    """Of MLflow."""
    found: int = request.param
    return found


@pytest.fixture(scope="module")
def logged(
    generation: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with models, and the runs that made them. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp(f"mlflow-{generation}")
    with server(folder, generation) as running:
        yield running, log_models(running, folder)


def log_models(running: Server, folder: Path) -> dict[str, str]:
    """Log the models of ``mlflow_models.py``; return the ids of their runs."""
    script = Path(__file__).with_name("mlflow_models.py")
    found: dict[str, str] = json.loads(running.run(script, folder).splitlines()[-1])
    return found


@pytest.fixture
def own(generation: int, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, with registered models but no runs."""
    with server(tmp_path, generation) as running:
        yield running


@pytest.fixture
def hw() -> Iterator[Headwater]:
    """A catalog with a table that the models were trained on."""
    with Headwater.open("sqlite://") as client:
        client.create_or_update({"name": "wh"}, kind="databaseService")
        client.create_or_update({"name": "main", "service": "wh"}, kind="database")
        make_table(client, "shop")
        yield client


def make_table(hw: Headwater, schema: str) -> None:
    hw.create_or_update({"name": schema, "database": "wh.main"}, kind="databaseSchema")
    columns = [{"name": n, "dataType": "INT"} for n in ("AGE", "income", "churned")]
    above = f"wh.main.{schema}"
    request = {"name": "customers", "databaseSchema": above, "columns": columns}
    hw.create_or_update(request, kind="table")


def run(hw: Headwater, found: Server, **config: Any) -> Any:
    return ingest(hw, found.url, service=SERVICE, **config)


def version(hw: Headwater, fqn: str) -> dict[str, Any]:
    return dict(hw.get("modelVersion", fqn).to_wire())


def register(found: Server, *models: str, versions: int = 1) -> None:
    for model in models:
        found.post("registered-models/create", name=model)
        for _ in range(versions):
            found.post("model-versions/create", name=model, source=f"s3://models/{model}")


def test_models_and_all_versions_are_read(
    hw: Headwater, logged: tuple[Server, dict[str, str]]
) -> None:
    found, runs = logged
    report = run(hw, found)
    assert (report.succeeded, report.failed, report.unresolved) == (True, [], [])
    model = hw.get("mlmodel", CHURN).to_wire()
    assert model["description"] == "Who leaves."
    assert [tag["name"] for tag in model["tags"]] == ["team=growth"]
    assert model["algorithm"] == "LogisticRegression"  # of the version with the alias champion
    first, second = version(hw, f"{CHURN}.1"), version(hw, f"{CHURN}.2")
    assert [each["number"] for each in (first, second)] == [1, 2]
    assert [each["algorithm"] for each in (first, second)] == [
        "LogisticRegression",
        "RandomForestClassifier",
    ]
    assert (first["stage"], first["aliases"]) == ("production", ["champion"])
    assert second["aliases"] == ["challenger"]
    assert (first["description"], first["status"]) == ("The first.", "ready")
    assert [tag["fullyQualifiedName"] for tag in first["tags"]] == ["MLflow.validated=yes"]
    assert {p["name"]: p["value"] for p in first["mlHyperParameters"]} == {
        "C": "0.5",
        "penalty": "l2",
    }
    assert {p["name"] for p in second["mlHyperParameters"]} >= {"n_estimators", "criterion"}
    training = hw.get("pipelineRun", f"{SERVICE}.churn experiment.{runs['pipeline']}").to_wire()
    assert first["run"]["id"] == training["id"]
    assert first["trainedAt"] == training["endedAt"]
    assert (training["displayName"], training["status"]) == ("pipeline", "completed")
    assert [each["fullyQualifiedName"] for each in training["inputs"]] == [TABLE]


def test_signatures_become_features_tied_to_columns(
    hw: Headwater, logged: tuple[Server, dict[str, str]]
) -> None:
    run(hw, logged[0])
    first = version(hw, f"{CHURN}.1")
    assert [(f["name"], f["dataType"]) for f in first["mlFeatures"]] == [
        ("age", "numerical"),
        ("income", "numerical"),
    ]
    assert [each["name"] for each in first["signature"]["inputs"]] == ["age", "income"]
    assert first["signature"]["params"][0]["name"] == "threshold"
    age, income = first["frozenSources"]
    assert (age["feature"], age["name"], age["dataType"]) == ("age", "AGE", "integer")
    assert (income["feature"], income["name"], income["dataType"]) == ("income", "income", "number")
    assert age["dataSource"]["fullyQualifiedName"] == TABLE
    assert age["tableVersion"] == hw.get("table", TABLE).version
    assert f"modelVersion {CHURN}.1 (production)" in str(hw.impact(f"{TABLE}.AGE"))


def test_metrics_are_records(hw: Headwater, logged: tuple[Server, dict[str, str]]) -> None:
    report = run(hw, logged[0])
    (auc,) = hw.records(f"modelVersion:{CHURN}.1", "metric")  # NaN is no number
    assert (auc["key"], auc["data"]) == ("auc", {"value": 0.93, "step": 1})
    assert report.records == 1 + len(list(hw.records(f"modelVersion:{CHURN}.2", "metric")))


def test_the_algorithm_is_the_class_in_the_file(
    hw: Headwater, logged: tuple[Server, dict[str, str]], generation: int
) -> None:
    run(hw, logged[0])
    formats = ("pickle", "cloudpickle", *(["skops"] if generation > 2 else []))
    for each in formats:
        assert version(hw, f"{SERVICE}.{each}.1")["algorithm"] == "LogisticRegression"
    assert version(hw, f'{SERVICE}."a.dotted name".1')["algorithm"] == "LGBMClassifier"


def test_stages_of_mlflow_2_are_moves_with_their_time(
    hw: Headwater, logged: tuple[Server, dict[str, str]], generation: int
) -> None:
    run(hw, logged[0])
    fqn = f'{SERVICE}."a.dotted name"'
    if generation > 2:
        assert version(hw, f"{fqn}.1")["stage"] == "none"
        return
    assert version(hw, f"{fqn}.1")["stage"] == "production"
    (move,) = hw.lifecycle(f"mlmodel:{fqn}")
    assert move["at"] < move["recordedAt"]
    assert move["producer"] == f"mlflow:{SERVICE}"


def test_a_second_run_writes_nothing(hw: Headwater, logged: tuple[Server, dict[str, str]]) -> None:
    run(hw, logged[0])
    report = run(hw, logged[0])
    assert (report.created, report.changed, report.records) == (0, 0, 0)
    assert report.unchanged == report.seen
    moves = list(hw.lifecycle(f"mlmodel:{CHURN}"))
    run(hw, logged[0])
    assert list(hw.lifecycle(f"mlmodel:{CHURN}")) == moves


def test_a_preview_says_what_a_run_does_and_writes_nothing(
    hw: Headwater, logged: tuple[Server, dict[str, str]]
) -> None:
    before = list(hw.events())
    preview = run(hw, logged[0], options=PREVIEW)
    assert list(hw.events()) == before
    real = run(hw, logged[0])
    assert (preview.created, preview.failed) == (real.created, [])
    again = run(hw, logged[0], options=PREVIEW)
    assert (again.created, again.changed, again.planned) == (0, 0, [])


def test_a_preview_knows_what_moves_archive_what_tags_come_and_what_cannot_go(
    hw: Headwater, own: Server
) -> None:
    register(own, "a", versions=6)
    own.post("registered-models/alias", name="a", alias="champion", version="1")
    run(hw, own)
    hw.set_stage(f"{SERVICE}.a.6", "production", exclusive=False)
    own.post("registered-models/alias", name="a", alias="champion", version="2")
    own.post("model-versions/set-tag", name="a", version="3", key="checked", value="yes")
    own.delete("model-versions/delete", name="a", version="5")
    preview = run(hw, own, options=PREVIEW)
    told = {(each.name.rpartition(".")[2], each.fields) for each in preview.planned}
    assert {("1", ("stage archived",)), ("3", ("tags",)), ("2", ("stage production",))} <= told
    real = run(hw, own)
    assert (preview.created, preview.changed, preview.unchanged, preview.deleted) == (
        real.created, real.changed, real.unchanged, real.deleted
    )  # fmt: skip


def test_what_is_in_production_stays_though_the_source_has_it_no_more(
    hw: Headwater, own: Server
) -> None:
    register(own, "a", versions=6)
    register(own, "b")
    run(hw, own)
    hw.set_stage(f"{SERVICE}.a.6", "production")
    own.delete("model-versions/delete", name="a", version="6")
    for options in (PREVIEW, RunOptions()):
        report = run(hw, own, options=options)
        assert report.deleted == 0
        assert "a.6 is no longer in the source, and stays: " in report.notes[0]


def test_data_that_fits_several_tables_is_told_and_can_be_settled(
    hw: Headwater, logged: tuple[Server, dict[str, str]]
) -> None:
    make_table(hw, "copy")
    report = run(hw, logged[0])
    (open_,) = report.unresolved
    assert open_.name == f"{CHURN}, dataset training"
    assert "table:wh.main.copy.customers, table:wh.main.shop.customers" in open_.message
    assert "frozenSources" not in version(hw, f"{CHURN}.1")
    report = run(hw, logged[0], datasets={"training": "wh.main.copy.customers"})
    assert report.unresolved == []
    sources = version(hw, f"{CHURN}.1")["frozenSources"]
    assert {s["dataSource"]["fullyQualifiedName"] for s in sources} == {"wh.main.copy.customers"}


def test_what_a_person_decided_stays(hw: Headwater, logged: tuple[Server, dict[str, str]]) -> None:
    run(hw, logged[0])
    hw.set_stage(f"{CHURN}.2", "production", reason="better", force=True)
    model = hw.get("mlmodel", CHURN)
    model.description = "Ours."
    hw.update(model)
    report = run(hw, logged[0])
    assert report.failed == []
    assert "stays" in report.notes[0]
    assert [each["name"] for each in hw.versions_in(CHURN, "production")] == ["2"]
    assert hw.get("mlmodel", CHURN).description == "Ours."


def test_promotions_follow_the_source(hw: Headwater, own: Server) -> None:
    register(own, "m", versions=3)
    alias = {"name": "m", "alias": "champion"}
    own.post("registered-models/alias", **alias, version="1")
    run(hw, own)
    own.post("registered-models/alias", **alias, version="3")
    planned = run(hw, own, options=PREVIEW)
    to_move = {each.name for each in planned.planned}
    assert (planned.changed, to_move) == (2, {"registry.m.1", "registry.m.3"})
    moved = run(hw, own)
    assert (moved.changed, moved.unchanged) == (2, moved.seen - 2)
    stages = [version(hw, f"registry.m.{n}")["stage"] for n in (1, 2, 3)]
    assert stages == ["archived", "none", "production"]
    assert run(hw, own).changed == 0
    own.delete("registered-models/alias", **alias)
    run(hw, own)
    assert version(hw, "registry.m.3")["stage"] == "none"
    assert version(hw, "registry.m.3")["aliases"] == []
    hw.set_stage("registry.m.2", "production")
    hw.set_stage("registry.m.2", "archived")
    own.post("registered-models/alias", **alias, version="1")
    assert run(hw, own).failed == []
    assert version(hw, "registry.m.1")["stage"] == "production"
    assert run(hw, own, production_alias=None).succeeded


def test_aliases_that_mean_something_else_here_are_told(hw: Headwater, own: Server) -> None:
    register(own, "m", versions=3)
    for alias, number in (("Production", "1"), ("1", "3"), ("champion", "2")):
        own.post("registered-models/alias", name="m", alias=alias, version=number)
    report = run(hw, own)
    assert report.succeeded
    assert report.notes == [
        "the alias '1' of registry.m.3: '1' finds by this alias what has it, and no longer the"
        " version of that number",
        "the alias 'Production' of registry.m.1: 'Production' finds whichever version is in that"
        " stage",
    ]


def test_deleted_versions_leave_gaps_and_vanished_models_go(hw: Headwater, own: Server) -> None:
    register(own, *(f"m{n}" for n in range(6)), versions=3)
    own.delete("model-versions/delete", name="m0", version="2")
    run(hw, own)
    assert [v.number for v in hw.list("modelVersion", parent="registry.m0")] == [1, 3]
    own.delete("registered-models/delete", name="m5")
    own.delete("model-versions/delete", name="m1", version="3")
    report = run(hw, own)
    assert report.deleted == 0  # 4 of 17 versions are more than a fifth, and m5 has three of them
    assert "4 of 17 modelVersion entities" in report.notes[0]
    assert "m5 is no longer in the source, and stays" in report.notes[1]
    report = run(hw, own, options=RunOptions(allow_deletes=True))
    with pytest.raises(NotFoundError):
        hw.get("mlmodel", "registry.m5")
    with pytest.raises(NotFoundError):
        version(hw, "registry.m1.3")
    assert len(list(hw.list("mlmodel", parent=SERVICE))) == 5


def test_a_server_that_lost_everything_deletes_nothing(hw: Headwater, own: Server) -> None:
    register(own, "m0", "m1")
    run(hw, own)
    for name in ("m0", "m1"):
        own.delete("registered-models/delete", name=name)
    report = run(hw, own, options=RunOptions(allow_deletes=True))
    assert (report.succeeded, report.deleted) == (False, 0)
    assert len(list(hw.list("mlmodel", parent=SERVICE))) == 2


def test_a_server_that_dies_half_way_loses_and_deletes_nothing(
    hw: Headwater, own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(own, "m0", "m1")
    run(hw, own)
    own.delete("registered-models/delete", name="m1")

    def killed(*args: Any) -> Any:
        own.kill()
        return read_files(*args)

    monkeypatch.setattr(mlflow_run, "read_files", killed)
    with pytest.raises(SourceError) as caught:
        run(hw, own, options=RunOptions(allow_deletes=True))
    assert "cannot reach" in caught.value.message
    assert len(list(hw.list("mlmodel", parent=SERVICE))) == 2
    runs = hw.list("pipelineRun", parent=f"headwater.mlflow-{SERVICE}")
    last = max(runs, key=lambda each: each.started_at)
    assert last.status.value == "failed"


def test_a_server_with_sign_in(hw: Headwater, generation: int, tmp_path: Path) -> None:
    # Two workers that start at once would both make the first user.
    auth = ("--app-name", "basic-auth", "--workers", "1")
    with server(tmp_path, generation, *auth) as found:
        password = ADMIN_PASSWORDS[generation]
        named = {"tracking_username": "admin", "tracking_password": password}
        with httpx.Client(base_url=found.url, auth=("admin", password)) as client:
            made = client.post("/api/2.0/mlflow/registered-models/create", json={"name": "guarded"})
            assert made.status_code == 200, made.text
        assert run(hw, found, **named).found == 1
        for wrong in ({}, {**named, "tracking_password": "not-the-word"}):
            with pytest.raises(SourceError) as caught:
                run(hw, found, **wrong)
            assert "refuses the sign-in" in caught.value.message
            assert "not-the-word" not in caught.value.message
    assert hw.get("mlmodel", "registry.guarded").name == "guarded"


def test_a_server_of_something_else_is_told(hw: Headwater, own: Server) -> None:
    with pytest.raises(SourceError) as caught:
        ingest(hw, f"{own.url}/elsewhere", service=SERVICE)
    assert "does not answer as an MLflow server does" in caught.value.message
