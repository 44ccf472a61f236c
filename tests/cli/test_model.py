"""``headwater model``, ``model-registry models`` and ``resume``: the control plane from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater import Headwater, Model, connect, pipeline, save_artifact, step
from headwater.tracking import disconnect
from tests.cli.conftest import Shell


@step
def make() -> int:
    """A number."""
    return 1


@pytest.fixture
def trained(shell: Shell, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The command line over a store with the model ``iris``, two versions, runs and artifacts."""
    monkeypatch.chdir(tmp_path)
    connect(store=store)

    @pipeline(model=Model("iris", license="MIT", tags=["flowers"]))
    def training(rate: float) -> None:
        make()
        save_artifact("weights", {"rate": rate}, is_model_artifact=True)
        save_artifact("service", "here", is_deployment_artifact=True)

    training(0.1)
    training(0.2)
    Model("iris", 1).log_metadata({"auc": 0.5})
    Model("iris", 2).log_metadata({"auc": 0.7})
    Model("iris", 1).set_stage("production")
    disconnect()
    return shell


def test_models_are_registered_changed_listed_and_deleted(shell: Shell) -> None:
    words = ["--license", "MIT", "-d", "Flowers", "--tag", "a", "-t", "b"]
    assert shell.lines("model", "register", "iris", *words) == [
        "created mlmodel headwater.iris 0.1"
    ]
    shell("model", "update", "iris", "--name", "flowers", "--remove-tag", "a", "-t", "c")
    (found,) = shell.data("model", "list", "--tag", "c")
    assert (found["name"], found["license"], found["description"]) == ("flowers", "MIT", "Flowers")
    assert {each["name"] for each in found["tags"]} == {"b", "c"}
    assert shell.lines("model", "list")[1].split() == ["flowers", "MIT", "Label.b", "Label.c"]
    twice = shell("model", "register", "flowers", code=4).output
    assert "there already: `headwater model update flowers` changes it" in twice
    assert shell.lines("model", "delete", "flowers") == ["deleted model flowers"]
    assert shell.data("model", "list") == []
    assert shell.lines("model", "register", "flowers") == ["created mlmodel headwater.flowers 0.1"]
    assert shell.lines("model", "list")[1].split() == ["flowers"]


def test_models_are_listed_by_names_that_the_other_commands_take(shell: Shell) -> None:
    shell("model", "register", '"iris.v2"')
    for listing in (["model", "list"], ["model-registry", "models", "list"]):
        assert shell.lines(*listing)[1].split()[0] == '"iris.v2"'
    fqn = shell.lines("model", "list", "--service", "headwater")[1].split()[0]
    assert fqn == 'headwater."iris.v2"'
    assert shell.lines("model", "delete", fqn) == ['deleted model headwater."iris.v2"']


def test_a_version_that_was_deleted_frees_its_name_and_not_its_number(shell: Shell) -> None:
    register = ("model-registry", "models", "register-version", "iris", "-u", "s3://m/1", "-v")
    for name in ("1", "1.0.5"):
        shell(*register, name)
        shell("model", "version", "delete", "iris", name)
    assert shell.lines(*register, "1.0.5") == ['created modelVersion headwater.iris."1.0.5" 0.1']
    refused = shell(*register, "1", code=4).output
    assert "soft-deleted; restore brings it back as it was" in refused
    assert "model version update" not in refused
    shell("model", "delete", "iris")
    assert shell.lines(*register, "1") == ["created modelVersion headwater.iris.1 0.1"]


def test_a_version_whose_metadata_is_refused_is_not_made(shell: Shell) -> None:
    register = ("model-registry", "models", "register-version", "iris", "-u", "s3://m/1")
    assert "the number nan" in shell(*register, "-m", "n", "NaN", code=2).output
    twice = shell(*register, "-m", "pipeline", "p", "--pipeline-name", "q", code=2)
    assert "--pipeline-name" in twice.output
    assert shell.lines(*register) == ["created modelVersion headwater.iris.1 0.1"]


def test_versions_are_listed_and_promoted(trained: Shell) -> None:
    listed = trained.data("model", "version", "list", "iris")
    assert [(each["number"], each["stage"]) for each in listed] == [(1, "production"), (2, "none")]
    refused = trained("model", "version", "update", "iris", "2", "-s", "production", code=4)
    assert "version '1'" in refused.output
    assert "--force archives" in refused.output
    assert "exclusive" not in refused.output
    assert trained.lines(
        "model", "version", "update", "iris", "latest", "-s", "production", "--force"
    ) == ["headwater.iris.2 production"]
    assert [
        v["name"] for v in trained.data("model", "version", "list", "iris", "-s", "archived")
    ] == ["1"]
    assert trained.lines("model", "list")[1].split()[:3] == ["iris", "2", "2"]


def test_a_version_shows_its_runs_and_artifacts(trained: Shell) -> None:
    (run,) = trained.data("model", "version", "runs", "iris", "2")
    assert (run["status"], run["pipeline"]["name"]) == ("completed", "training")
    assert trained.lines("model", "version", "runs", "iris", "2")[1].split()[1:3] == [
        "training", "completed",
    ]  # fmt: skip
    for command, name in (
        ("data-artifacts", "training::make::output"),
        ("model-artifacts", "weights"),
        ("deployment-artifacts", "service"),
    ):
        (artifact,) = trained.data("model", "version", command, "iris", "production")
        assert artifact["artifact"]["name"] == name
        assert trained.lines("model", "version", command, "iris", "1")[1].split()[0] == name


def test_lists_are_of_stages_that_there_are(trained: Shell) -> None:
    def listed(*words: str) -> list[str]:
        return [each["name"] for each in trained.data("model", *words)]

    assert listed("version", "list", "iris", "--stage", "latest") == ["2"]
    assert listed("version", "list", "iris", "--stage", "Production") == ["1"]
    trained("model", "register", "empty")
    for stage in ("latest", "none", "production"):
        assert listed("list", "--stage", stage) == ["iris"]
    assert listed("list", "--stage", "archived") == []
    for words in (["list"], ["version", "list", "iris"]):
        refused = trained("model", *words, "--stage", "bogus", code=2)
        assert "staging or production or archived, not 'bogus'" in refused.output


def test_versions_stand_side_by_side(trained: Shell) -> None:
    lines = trained.lines("model", "version", "diff", "iris", "1", "latest")
    assert ["metadata", "auc", "0.5", "0.7"] in [line.split() for line in lines]
    data = trained.data("model", "version", "diff", "iris", "1", "2")
    assert [each["name"] for each in data["versions"]] == ["1", "2"]


def test_a_version_in_production_is_deleted_by_force(trained: Shell) -> None:
    assert "production" in trained("model", "version", "delete", "iris", "1", code=4).output
    trained("model", "version", "delete", "iris", "1", "--force")
    assert [each["name"] for each in trained.data("model", "version", "list", "iris")] == ["2"]
    trained("model", "version", "runs", "iris", "1", code=3)


def test_the_registry_registers_what_lies_elsewhere(trained: Shell, store: str) -> None:
    trained(
        "model-registry", "models", "register-version", "tensorflow-model",
        "--description=98.88 %", "-v", "1", "--model-uri=s3://models/1", "-m", "key1", "value1",
        "-m", "key2", "2", "-m", "key3=a=b", "--pipeline-name=training", "--step-name=make",
    )  # fmt: skip
    found = trained.data("model-registry", "models", "get", "tensorflow-model", "-v", "1")
    assert (found["sourceUri"], found["description"]) == ("s3://models/1", "98.88 %")
    assert found["metadata"] == {
        "key1": "value1", "key2": 2, "key3": "a=b", "pipeline": "training", "step": "make",
    }  # fmt: skip
    with Headwater.open(store) as hw:
        assert found["run"]["id"] in {each.id for each in hw.list("pipelineRun")}
    shown = trained.lines("model-registry", "models", "get", "tensorflow-model")
    assert ["metadata", "key2", "2"] in [line.split() for line in shown]
    names = [each["name"] for each in trained.data("model-registry", "models", "list")]
    assert names == ["iris", "tensorflow-model"]
    assert len(trained.lines("model-registry", "models", "list")) == 3
    trained("model-registry", "models", "delete", "tensorflow-model", "-v", "1")
    trained("model-registry", "models", "delete", "tensorflow-model")
    trained("model-registry", "models", "get", "tensorflow-model", code=3)


def test_the_registry_tells_what_an_option_lacks(shell: Shell) -> None:
    register = ("model-registry", "models", "register-version", "m", "--model-uri=s3://models/m")
    for words in (
        ["-m", "k1"], ["-m", "k1", "-m", "k2", "v"], ["-m", "k1", "--model-uri=s3://a/b"],
        ["--metadata", "-v", "1"], ["--metadata=k1"],
        *(["--model-uri", uri] for uri in ("not a uri", "models/churn", "s3://", "C:/models")),
    ):  # fmt: skip
        refused = shell(*register, *words, code=2).output
        assert any(told in refused for told in ("takes a key and a value", "no NAME=", "is a URI"))
    shell(*register, "-m", "shift", "-3", "-m", "none", "")
    (found,) = shell.data("model", "version", "list", "m")
    assert found["name"] == "1"
    assert "own is 2" in shell(*register, "-v", "5", code=2).output
    twice = shell(*register, "-v", "1", code=4).output
    assert "`headwater model version update m 1`" in twice
    shell(*register)
    assert "no differences" in shell("model", "version", "diff", "m", "2", "2").output


def test_the_registry_registers_nothing_that_lies_nowhere_or_of_a_wrong_step(
    trained: Shell,
) -> None:
    register = ("model-registry", "models", "register-version", "m", "--pipeline-name=training")
    assert "--model-uri" in trained(*register, code=2).output
    refused = trained(*register, "--model-uri=s3://m/1", "--step-name=nostep", code=3).output
    assert "the latest run of training has no step 'nostep'; it has 'make'" in refused
    trained("model", "version", "list", "m", code=3)


def test_a_journal_that_is_not_there_is_told(shell: Shell) -> None:
    shell("model", "register", "iris")
    assert "there is no journal" in shell("resume", "nothing.jsonl", code=3).output


def test_a_journal_is_recorded_and_gone(shell: Shell) -> None:
    shell("model", "register", "iris")
    message = {"put": "artifact", "requests": [{"name": "late", "artifactType": "data"}]}
    torn = '{"put": "artifact", "requ'  # by a kill
    journal = shell.file("run.jsonl", json.dumps(message) + "\n" + torn)
    assert shell.lines("resume", journal) == [f"recorded {journal}: 1 messages"]
    assert not Path(journal).exists()
    assert [each["name"] for each in shell.data("list", "artifacts")] == ["late"]


def test_the_environment_names_the_store_for_commands_as_for_scripts(
    shell: Shell, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("model", "register", "churn")
    monkeypatch.setenv("HEADWATER_STORE", store)
    here = Shell([], shell.folder)
    assert "churn" in here("model", "list").stdout
    assert "churn" in here("get", "mlmodel", "headwater.churn").stdout
    monkeypatch.setenv("HEADWATER_URL", "http://127.0.0.1:1")
    here("model", "list", code=5)
