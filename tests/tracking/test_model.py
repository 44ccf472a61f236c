"""Models and versions: found or made, staged, described, linked to artifacts, deleted."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from headwater import (
    AlreadyExistsError,
    Client,
    ConflictError,
    Headwater,
    InvalidInputError,
    Model,
    ModelStages,
    NotFoundError,
    load_artifact,
    log_artifact_metadata,
    log_metadata,
    log_model_metadata,
    pipeline,
    save_artifact,
    step,
)


def test_nothing_is_written_before_something_is_asked(hw: Headwater) -> None:
    Model("iris")
    assert list(hw.list("mlmodel")) == []


def test_no_version_makes_the_next_and_a_new_name_is_made_once(hw: Headwater) -> None:
    assert [Model("iris").number, Model("iris").number] == [1, 2]
    better = Model("iris", version="even_better_version")
    assert (better.number, better.version, better.name) == (3, "even_better_version", "iris")
    assert Model("iris", version="even_better_version").number == 3
    assert Model("iris", version=2).version == "2"


@pytest.mark.parametrize("name", ["", " ", "a\nb"])
def test_metadata_that_could_not_be_found_again_is_refused(hw: Headwater, name: str) -> None:
    Model("iris", version="a").log_metadata({"acc": 1})
    with pytest.raises(InvalidInputError, match="cannot be the name of metadata"):
        log_model_metadata({name: 1}, model_name="iris", version="a")
    assert Model("iris", version="a").run_metadata["acc"].value == 1


def test_numbers_are_never_used_again(hw: Headwater) -> None:
    Model("iris").delete()
    assert Model("iris").number == 2


def test_a_name_that_was_deleted_makes_the_next_version(hw: Headwater) -> None:
    client = Client()
    first = Model("iris", version="1.0.5")
    client.delete_model_version(first.id)
    assert Model("iris", version="1.0.5").number == 2
    client.delete_model_version("1.0.5", "iris")
    assert client.create_model_version("iris", "1.0.5").number == 3
    hw.restore(hw.get("modelVersion", id=first.id, deleted=True))
    assert client.get_model_version("iris", 1).version.startswith("1.0.5 (deleted 2")
    with pytest.raises(AlreadyExistsError, match="there already"):
        client.create_model_version("iris", "1.0.5")


def test_a_model_that_was_deleted_is_made_afresh(hw: Headwater) -> None:
    client = Client()
    old = client.create_model("iris", license="MIT", description="Old", tags=["a"])
    first = client.create_model_version("iris", "1.0.5")
    client.delete_model("iris")
    new = client.create_model("iris", description="New")
    assert (new.version, new.license, new.description, new.tags) == ("0.1", None, "New", None)
    assert new.id != old.id
    assert client.create_model_version("iris", "1.0.5").number == 1
    client.delete_model("iris")
    again = Model("iris", version="1.0.5", tags=["b"])
    assert (again.number, again.license, again.tags) == (1, None, ["b"])
    restored = hw.restore(hw.get("mlmodel", id=str(old.id), deleted=True))
    assert (restored.description, restored.license) == ("Old", "MIT")
    assert client.get_model_version(restored, "1.0.5").id == first.id


def test_a_run_is_tried_again_under_the_name_of_the_version_that_failed(hw: Headwater) -> None:
    @step
    def fit(fails: bool) -> int:
        if fails:
            raise ZeroDivisionError
        return 1

    @pipeline(model=Model("iris", version="1.0.5", delete_new_version_on_failure=True))
    def fitting(fails: bool) -> int:
        return fit(fails)

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fitting(True)
    assert fitting(False) == 1
    version = Client().get_model_version("iris", "1.0.5")
    assert (version.number, version.status) == (3, "ready")


@pytest.mark.parametrize("word", ["production", "staging", "latest", "7"])
def test_a_stage_or_number_without_a_version_is_not_found(hw: Headwater, word: str) -> None:
    with pytest.raises(NotFoundError, match=f"has no version '{word}'"):
        _ = Model("iris", version=word).number
    assert list(hw.list("mlmodel")) == []


def test_a_model_is_made_with_what_is_said_of_it(hw: Headwater) -> None:
    model = Model("iris", license="MIT", description="Flowers", tags=["sklearn", "v1.0"])
    assert (model.license, model.description, model.tags) == (
        "MIT",
        "Flowers",
        ["sklearn", '"v1.0"'],
    )
    assert {each.name for each in hw.list("tag")} == {"sklearn", "v1.0"}


def test_a_version_tells_what_is_said_of_it_and_of_its_model(hw: Headwater) -> None:
    client = Client()
    client.create_model("iris", license="MIT", description="Flowers", tags=["a", "b"])
    made = client.create_model_version("iris", "1.0", description="First", tags=["b", "c"])
    assert (made.description, made.license, made.tags) == ("First", "MIT", ["a", "b", "c"])
    changed = client.update_model_version("iris", "1.0", description="Second", add_tags=["d"])
    assert (changed.description, made.description) == ("Second", "Second")
    assert made.tags == ["a", "b", "c", "d"]
    assert (Model("iris").description, Model("iris").tags) == ("Flowers", ["a", "b"])


def test_a_tag_that_is_there_is_that_tag(hw: Headwater) -> None:
    hw.create({"name": "PII"}, kind="classification")
    hw.create({"name": "None", "classification": "PII"}, kind="tag")
    assert Model("iris", tags=["PII.None"]).tags == ["PII.None"]


def test_versions_of_another_service_go_by_fqn(hw: Headwater) -> None:
    hw.create({"name": "sagemaker", "serviceType": "SageMaker"}, kind="mlmodelService")
    assert Model("sagemaker.churn").fully_qualified_name == "sagemaker.churn.1"


def test_an_exclusive_stage_is_taken_by_force_only(hw: Headwater) -> None:
    first, second = Model("iris"), Model("iris")
    first.set_stage(ModelStages.PRODUCTION)
    with pytest.raises(ConflictError, match="version '1'"):
        second.set_stage("production")
    second.set_stage("production", force=True)
    assert (first.stage, second.stage) == ("archived", "production")
    moves = [(each["data"]["name"], each["data"]["to"]) for each in first.history()]
    assert moves == [("2", "production"), ("1", "archived"), ("1", "production")]
    with pytest.raises(InvalidInputError, match="latest"):
        second.set_stage(ModelStages.LATEST)


def test_aliases_name_versions(hw: Headwater) -> None:
    Model("iris").set_alias("champion", protected=True)
    assert Model("iris", version="champion").aliases == ["champion"]
    with pytest.raises(ConflictError):
        Model("iris").set_alias("champion")


def test_metadata_is_read_as_it_was_logged(hw: Headwater) -> None:
    model = Model("iris", version="1.0.5")
    model.log_metadata({"accuracy": np.float32(0.5), "metrics": {"f1": 0.8, "sizes": (1, 2)}})
    log_model_metadata(model_name="iris", metadata={"accuracy": 0.75})
    log_metadata({"note": None}, model_name="iris", model_version="1.0.5")
    found = Client().get_model_version("iris", "1.0.5").run_metadata
    assert {name: each.value for name, each in found.items()} == {
        "accuracy": 0.75, "metrics": {"f1": 0.8, "sizes": [1, 2]}, "note": None,
    }  # fmt: skip
    assert len(list(hw.records(model.entity, "metadata", key="accuracy"))) == 2


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": {"b": [0, {1, 2}]}}, r"a\.b\[1\] is set"),
        ({"a": float("nan")}, "a is the number nan"),
        ({"a": np.zeros(2)}, r"a is numpy\.ndarray"),
        ({"a": {1: 2}}, "a key of a is 1"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_path_and_type(
    hw: Headwater, value: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        Model("iris").log_metadata(value)


def test_metadata_needs_a_place(hw: Headwater) -> None:
    with pytest.raises(InvalidInputError, match="say where to log"):
        log_metadata({"a": 1})
    with pytest.raises(InvalidInputError, match="no model is configured"):
        log_metadata({"a": 1}, infer_model=True)


def test_artifacts_are_linked_by_hand_and_told_apart(hw: Headwater) -> None:
    model = Model("iris")
    weights = save_artifact("weights", {"w": [1]}, is_model_artifact=True)
    model.link_artifact(weights)
    model.link_artifact([1, 2], name="data")
    renamed = model.link_artifact(weights, name="new_artifact")
    assert model.get_model_artifact("weights").load() == {"w": [1]}
    assert model.get_data_artifact("data").load() == [1, 2]
    assert (renamed.hash, renamed.type) == (weights.hash, "model")
    assert {each.name for each in model.list_artifacts()} == {"weights", "data", "new_artifact"}
    with pytest.raises(NotFoundError, match="has no deployment artifact 'weights'; it has none"):
        model.get_deployment_artifact("weights")


def test_the_newest_version_of_an_artifact_is_loaded(hw: Headwater) -> None:
    first = save_artifact("words", "one")
    save_artifact("words", "two", version="second")
    assert load_artifact("words") == "two"
    assert load_artifact("words", first.version) == load_artifact(first.id) == "one"
    log_artifact_metadata({"length": 3}, artifact_name="words")
    assert Client().get_artifact_version("words").run_metadata["length"].value == 3
    with pytest.raises(NotFoundError):
        load_artifact("nothing")


def test_deleting_is_refused_in_production_and_leaves_artifacts(hw: Headwater) -> None:
    model = Model("iris")
    kept = model.link_artifact([1], name="data")
    model.set_stage("production")
    with pytest.raises(ConflictError, match="production"):
        Client().delete_model_version(model.id)
    with pytest.raises(ConflictError):
        Client().delete_model("iris")
    Client().delete_model("iris", force=True)
    assert list(Client().list_models()) == []
    assert Client().get_artifact_version("data").hash == kept.hash


def test_the_client_does_what_the_pages_say(hw: Headwater) -> None:
    client = Client()
    client.create_model("iris", license="MIT", description="Flowers", tags=["a", "b"])
    with pytest.raises(AlreadyExistsError):
        client.create_model("iris")
    changed = client.update_model("iris", description="More", add_tags=["c"], remove_tags=["a"])
    assert (changed.description, changed.license) == ("More", "MIT")
    assert [each.name for each in client.list_models(tag="c")] == ["iris"]
    made = client.create_model_version("iris", "1.2.3", description="First")
    with pytest.raises(InvalidInputError):
        client.update_model_version("iris", "1.2.3", stage="bogus", description="Second")
    assert made.entity.description == "First"
    client.update_model_version("iris", "1.2.3", stage="staging", name="1.2.4")
    assert [each.version for each in client.list_model_versions("iris", stage="staging")] == [
        "1.2.4"
    ]
    assert client.get_model_version("iris", made.id).version == "1.2.4"
    assert client.get_model_version("iris", 1).stage == "staging"
    client.update_model("iris", name="flowers")
    assert client.get_model("flowers").id == made.model_id
    client.delete_model_version("1.2.4", "flowers")
    assert list(client.list_model_versions("flowers")) == []


def test_names_of_versions_that_the_client_makes_are_templates(hw: Headwater) -> None:
    made = Client().create_model_version("iris", "v{date}")
    assert re.fullmatch(r"v\d{4}_\d\d_\d\d", made.version)
    for name in ("{run.id}", "{day}"):
        with pytest.raises(InvalidInputError, match=re.escape(name)):
            Client().create_model_version("iris", name)

    @pipeline
    def making() -> str:
        return Client().create_model_version("iris", "run-{run.name}").version

    assert making() == f"run-{Client().get_pipeline_run('making').name}"


@pytest.mark.parametrize("word", [3, None, True])
def test_stages_and_aliases_that_are_no_words_are_told(hw: Headwater, word: Any) -> None:
    version = Client().create_model_version("iris")
    version.set_stage("production")
    for call in (version.set_stage, version.set_alias, version.delete_alias):
        with pytest.raises(InvalidInputError, match=f"not {word!r}"):
            call(word)
    assert (version.stage, version.aliases) == ("production", [])
    version.set_stage("Archived")
    assert version.stage == "archived"


def test_versions_are_listed_by_number(hw: Headwater) -> None:
    for _ in range(11):
        Model("iris").resolve()
    assert [each.number for each in Client().list_model_versions("iris")] == [*range(1, 12)]


@pytest.mark.parametrize("name", ["..", "a.b.c", ""])
def test_what_is_no_name_of_a_model_is_refused(hw: Headwater, name: str) -> None:
    with pytest.raises(InvalidInputError):
        Client().create_model(name)
    with pytest.raises(InvalidInputError):
        Client().get_model(name)
