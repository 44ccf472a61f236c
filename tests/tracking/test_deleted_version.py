"""Versions of models that are deleted while a run makes or uses them: nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest

from headwater import (
    Client,
    Headwater,
    InvalidInputError,
    Model,
    get_step_context,
    log_metadata,
    pipeline,
    save_artifact,
    step,
)

Act = Callable[[Headwater, Model], Any]


@step
def make(n: int) -> Annotated[int, "made"]:
    return n


@step
def lose(act: Any, hw: Any) -> Annotated[str, "kept"]:
    model = get_step_context().model
    save_artifact("saved", [1])
    act(hw, model)
    log_metadata({"accuracy": 0.9}, infer_model=True)
    return "result"


def deleted_by_others(hw: Headwater, model: Model) -> None:
    hw.delete(hw.get("modelVersion", id=model.id))


DELETIONS: list[Act] = [
    deleted_by_others,
    lambda _, model: model.delete(),
    lambda _, model: Client().delete_model_version(model.id),
    lambda _, model: Client().delete_model_version(model),
]


def test_a_deleted_model_fails_no_run(hw: Headwater) -> None:
    @pipeline(model=Model("iris"))
    def training() -> None:
        lose(lambda *_: Client().delete_model("iris"), hw)

    with pytest.warns(UserWarning, match=r"headwater\.iris\.1 was deleted"):
        training()
    assert Client().get_pipeline_run("training").status == "completed"
    assert Client().get_artifact_version("kept").load() == "result"
    assert list(Client().list_models()) == []


@pytest.mark.parametrize("act", DELETIONS)
@pytest.mark.parametrize("version", [None, "1.0.5"])
def test_a_deleted_version_fails_no_run(hw: Headwater, act: Act, version: str | None) -> None:
    @pipeline(model=Model("iris", version=version))
    def training() -> int:
        make(1)
        lose(act, hw)
        return make(2)

    with pytest.warns(UserWarning, match=r"headwater\.iris\.") as told:
        assert training() == 2
    (warning,) = [str(each.message) for each in told if "was deleted" in str(each.message)]
    name = "headwater.iris." + ("1" if version is None else '"1.0.5"')
    assert f"the version {name} was deleted" in warning
    assert "headwater restore modelVersion" in warning
    assert "link_artifact" in warning

    assert list(Client().list_model_versions("iris")) == []  # nor is another one made
    run = Client().get_pipeline_run("training")
    assert (run.status, [each.status for each in run.steps or ()]) == (
        "completed", ["completed"] * 3,
    )  # fmt: skip
    assert len(list(Client().list_artifact_versions("made"))) == 2
    assert Client().get_artifact_version("kept").load() == "result"
    assert Client().get_artifact_version("saved").load() == [1]

    hw.restore(hw.get("modelVersion", name, deleted=True))
    (back,) = Client().list_model_versions("iris")
    assert back.status == "failed"  # the run that was to make it is over
    back.link_artifact(Client().get_artifact_version("kept"))
    assert {each.name for each in back.list_artifacts()} == {"made", "kept"}


def test_a_version_that_is_deleted_for_good_fails_no_run(hw: Headwater) -> None:
    def erase(_: Headwater, model: Model) -> None:
        hw.erase(model.entity, force=True)

    @pipeline(model=Model("iris"))
    def training() -> int:
        lose(erase, hw)
        return make(2)

    with pytest.warns(UserWarning, match="of a model was deleted for good"):
        assert training() == 2
    assert Client().get_pipeline_run("training").status == "completed"
    assert Client().get_artifact_version("kept").load() == "result"
    assert list(Client().list_model_versions("iris")) == []


def test_a_deleted_version_that_a_run_uses_fails_no_run(hw: Headwater) -> None:
    Client().create_model_version("iris", "used")

    @pipeline(model=Model("iris", version="used"))
    def training() -> None:
        lose(deleted_by_others, hw)

    with pytest.warns(UserWarning, match=r"headwater\.iris\.used was deleted"):
        training()
    assert Client().get_pipeline_run("training").status == "completed"
    assert Client().get_artifact_version("kept").load() == "result"


def test_a_failing_run_leaves_a_deleted_version_deleted(hw: Headwater) -> None:
    @pipeline(model=Model("iris"))
    def training() -> None:
        lose(deleted_by_others, hw)
        raise ValueError("no luck")

    with pytest.warns(UserWarning, match="was deleted"), pytest.raises(ValueError, match="no luck"):
        training()
    assert list(Client().list_model_versions("iris")) == []
    assert Client().get_pipeline_run("training").status == "failed"


def test_a_cached_step_of_a_deleted_version_is_taken_without_a_link(hw: Headwater) -> None:
    @step(enable_cache=True)
    def scored() -> Annotated[int, "scored"]:
        log_metadata({"accuracy": 0.9}, infer_model=True)
        get_step_context().model.link_artifact(save_artifact("saved", [1]))
        return 1

    @pipeline(model=Model("iris"))
    def training(*, deletes: bool) -> None:
        if deletes:
            lose(deleted_by_others, hw)
        scored()

    training(deletes=False)
    with pytest.warns(UserWarning, match="was deleted"):
        training(deletes=True)
    run = Client().get_pipeline_run("training")
    assert run.status == "completed"
    assert [each["cached"] for each in run.to_wire()["steps"] if each["name"] == "scored"] == [True]


def test_linking_to_a_deleted_version_by_hand_is_refused(hw: Headwater) -> None:
    version = Client().create_model_version("iris")
    hw.delete(version.entity)
    artifact = save_artifact("a", 1)
    with pytest.raises(InvalidInputError, match="is deleted; restore it first"):
        version.link_artifact(artifact)
