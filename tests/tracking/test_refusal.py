"""What is said wrongly to tracking: each is told as what it is, and by no error of Python's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    Client,
    Headwater,
    HeadwaterError,
    InvalidInputError,
    Model,
    NotFoundError,
    load_artifact,
    log_metadata,
    pipeline,
    save_artifact,
    step,
)
from tests.docs.markdown import ROOT
from tests.sdk.server import clean_environ


@step
def make(n: int = 1) -> int:
    return n


# Without the types that say what is wrong of each call.
any_model: Any = Model
any_pipeline: Any = pipeline
any_step: Any = step
any_make: Any = make
any_save: Any = save_artifact
any_load: Any = load_artifact
any_client: Any = Client


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: any_model(None), "a model has a name, which is text and not None"),
        (lambda: any_model(3), "which is text and not 3"),
        (lambda: any_model(""), "a name has 1 to 256"),
        (lambda: any_model("m", version=-1), "numbered from 1"),
        (lambda: any_model("m", version=0), "numbered from 1"),
        (lambda: any_model("m", version=""), "a name has 1 to 256"),
        (lambda: any_model("m", version=1.0), "a version is a name, a number or a stage"),
        (lambda: any_model("m", tags="word"), "tags are a list of words"),
        (lambda: any_model("m", version="1").set_alias(3), "an alias is text, and not 3"),
        (lambda: any_model("m", version="1").set_alias(None), "an alias is text, and not None"),
        (lambda: any_model("m", version="1").delete_alias(3), "an alias is text, and not 3"),
        (lambda: any_pipeline(model="iris")(int), r"takes a Model, such as Model\('iris'\)"),
        (lambda: any_step(model="iris")(int), r"takes a Model, such as Model\('iris'\)"),
        (lambda: any_make.with_options(model=3), "takes a Model"),
        (lambda: any_save("a", 1, model="iris"), "takes a Model"),
        (lambda: any_pipeline("training"), "@pipeline is for a function"),
        (lambda: any_step(partial(int, "3")), "@step is for a function"),
        (lambda: any_step("training"), "@step is for a function"),
        (lambda: any_pipeline(name="")(make.function), "a name has 1 to 256"),
        (lambda: any_pipeline(name=3)(make.function), "a pipeline has a name, which is text"),
        (
            lambda: any_pipeline(enable_cache="yes")(make.function),
            "is True or False, and not 'yes'",
        ),
        (lambda: any_step(name="")(make.function), "a name has 1 to 256"),
        (lambda: any_step(enable_cache="yes")(make.function), "is True or False, and not 'yes'"),
        (lambda: any_make.with_options(enable_cache=1), "is True or False, and not 1"),
        (lambda: any_client().create_model("n", tags="abc"), "tags are a list of words"),
        (lambda: any_client().create_model("n", tags=[3]), "a tag has a name, which is text"),
        (lambda: any_client().create_model_version("m", tags="abc"), "tags are a list of words"),
        (lambda: any_client().update_model("m", add_tags="abc"), "tags are a list of words"),
        (lambda: any_client().update_model("m", remove_tags="abc"), "tags are a list of words"),
        (lambda: any_client().update_model_version("m", 1, add_tags="a"), "tags are a list"),
        (lambda: any_client().list_models(tag=3), "a tag has a name, which is text"),
        (lambda: any_client().list_models(stage=3), "a stage has a name, which is text"),
        (lambda: any_client().list_model_versions("m", stage=3), "a stage has a name, which is"),
        (lambda: any_client().update_model("m", license="X" * 5000), "/license: .*256 characters"),
        (lambda: any_client().update_model("m", description=3), "/description: .*string"),
        (lambda: any_client().update_model_version("m", 1, description=3), "/description: .*"),
        (lambda: any_client().get_model(3), "a model has a name, which is text and not 3"),
        (lambda: any_client().create_model(None), "a model has a name, which is text"),
        (lambda: any_client().get_artifact(3), "an artifact has a name, which is text"),
        (lambda: any_client().get_pipeline(3), "a pipeline has a name, which is text"),
        (lambda: any_client().get_pipeline_run(3), "a run has a name, which is text"),
        (lambda: any_load(3), "which is text and not 3"),
        (lambda: any_load("a", version=1.5), "has a name, which is not 1.5"),
        (lambda: any_load("a", version=True), "has a name, which is not True"),
    ],
)
def test_what_cannot_be_meant_is_told(hw: Headwater, act: Callable[[], Any], told: str) -> None:
    Model("m").resolve()
    with pytest.raises(InvalidInputError, match=told):
        act()


@pytest.mark.parametrize("limit", [-1, "x", 1.5])
@pytest.mark.parametrize(
    "act",
    [
        lambda client, limit: client.list_models(limit=limit),
        lambda client, limit: client.list_model_versions("m", limit=limit),
        lambda client, limit: client.list_version_runs(Model("m", "latest"), limit=limit),
        lambda client, limit: client.list_artifacts(limit=limit),
        lambda client, limit: client.list_artifact_versions("a", limit=limit),
        lambda client, limit: client.list_pipelines(limit=limit),
        lambda client, limit: client.list_pipeline_runs("running", limit=limit),
        lambda client, limit: client.catalog.list("table", limit=limit),
        lambda client, limit: client.catalog.records(Model("m", "1").entity, "a", limit=limit),
        lambda client, limit: client.catalog.lifecycle("headwater.m", limit=limit),
    ],
)
def test_a_limit_that_is_none_is_told(
    hw: Headwater, act: Callable[[Client, Any], Any], limit: Any
) -> None:
    @pipeline
    def running() -> None:
        save_artifact("a", 1)

    running()
    Model("m").resolve()
    with pytest.raises(InvalidInputError, match="limit is the most to return, from 0"):
        list(act(Client(), limit))


def test_versions_of_artifacts_may_be_called_by_numbers(hw: Headwater) -> None:
    save_artifact("a", "first", version=1)
    save_artifact("a", "second")
    assert (load_artifact("a", version=1), load_artifact("a")) == ("first", "second")
    with pytest.raises(NotFoundError):
        load_artifact("a", version=2)


def test_metadata_of_a_step_that_the_run_lacks_is_refused(hw: Headwater) -> None:
    @pipeline
    def running() -> None:
        make()
        log_metadata({"a": 1}, step="make")
        log_metadata({"a": 1}, step="nope")

    with pytest.raises(NotFoundError, match="no step 'nope'; it has 'make'"):
        running()
    run = Client().get_pipeline_run("running")
    log_metadata({"b": 2}, run=run, step="make")
    with pytest.raises(NotFoundError, match="no step 'nope'; it has 'make'"):
        log_metadata({"a": 1}, run=run, step="nope")
    assert set(Client().get_run_metadata(run, "make")) == {"a", "b"}


def test_a_configuration_of_steps_that_do_not_run_is_told(hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "steps.yaml"
    file.write_text("steps: {nostep: {enable_cache: true}, make: {parameters: {n: 2}}}", "utf-8")

    @pipeline
    def running() -> int:
        return make()

    with pytest.warns(UserWarning, match="did not run: nostep; those that did are make"):
        assert running.with_options(config_path=file)() == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: 3", "has a name, which is text and not 3"),
        ("model: {name: 3}", "a model has a name, which is text and not 3"),
        ("model: {name: m, tags: word}", "tags are a list"),
        ("model: {name: m, stage: production}", "model: stage is not known; there is name"),
        ("steps: {make: {parameters: {m: 1}}}", "step 'make' has no parameter m"),
        ("steps: {make: {settings: {}}}", "steps.make: settings is not known"),
        ("steps: [make]", "steps is a mapping"),
        ("- name", "a mapping is expected"),
        ("[]", "a mapping is expected"),
        ("false", "a mapping is expected"),
        ("steps: []", "steps is a mapping"),
    ],
)
def test_a_wrong_configuration_is_told(hw: Headwater, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")

    @pipeline
    def running() -> None:
        make()

    with pytest.raises(HeadwaterError, match=told):
        running.with_options(config_path=file)()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"records": []}\nnonsense\n', "line 2 is no message of a run"),
        (b"\xff\xfe\n", "line 1 is no message of a run"),
        (b"[1]\n", "line 1 is no message of a run"),
        (b'{"put": "artifact"}\n', "line 1 is no message of a run"),
        (b'{"put": "artifact", "requests": [{}]}\n', "line 1 is refused"),
        (b'{"link": "nothing.1", "to": "x"}\n', "line 1 is refused"),
        (b'{"put": "artifactVersion", "requests": [{"modelVersions": [{}]}]}\n', "is refused"),
    ],
)
def test_a_broken_journal_is_told(hw: Headwater, tmp_path: Path, content: bytes, told: str) -> None:
    journal = tmp_path / "run.jsonl"
    journal.write_bytes(content)
    with pytest.raises(InvalidInputError, match=told):
        Client().send_journal(journal)
    assert journal.exists()
    with pytest.raises(NotFoundError, match="there is no journal"):
        Client().send_journal(tmp_path)


def test_resume_tells_of_a_broken_journal_in_a_line(hw: Headwater, tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    journal.write_text("nonsense\n", encoding="utf-8")
    store = f"sqlite:///{tmp_path / 'catalog.db'}"
    command = [sys.executable, "-m", "headwater", "resume", str(journal), "--store", store]
    environ = clean_environ(PYTHONPATH=str(ROOT))
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "line 1 is no message of a run" in done.stderr
    assert "Traceback" not in done.stderr
