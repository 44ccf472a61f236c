"""``enable_cache``: a step that would do the same again is not run; what it made is taken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from headwater import ArtifactConfig, Client, Headwater, Model, log_metadata, pipeline, step
from headwater.tracking.step import Step

Totals = tuple[Annotated[int, "sum"], Annotated[str, "text"]]
told = SimpleNamespace(ran=[])
"""Which steps ran. No list: the code of a step has the content of the module's constants."""


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    told.ran.clear()


@step
def load(rows: int = 3) -> Annotated[pd.DataFrame, "rows"]:
    told.ran.append("load")
    return pd.DataFrame({"a": range(rows)})


@step
def total(
    frame: pd.DataFrame, times: int = 1
) -> tuple[Annotated[int, "sum"], Annotated[str, "text"]]:
    told.ran.append("total")
    value = int(frame["a"].sum()) * times
    return value, str(value)


@pipeline(model=Model("sums"), enable_cache=True)
def adding(rows: int = 3, times: int = 1, change: bool = False) -> tuple[int, str]:
    frame = load(rows)
    if change:
        frame["a"] += 1
    return total(frame, times=times)


def cached(run: str) -> dict[str, bool]:
    steps = Client().get_pipeline_run(run).to_wire()["steps"]
    return {each["name"]: each.get("cached", False) for each in steps}


def test_equal_steps_are_taken_and_their_outputs_linked(hw: Headwater) -> None:
    assert adding() == (3, "3")
    assert adding() == (3, "3")
    assert told.ran == ["load", "total"]
    assert cached("adding") == {"load": True, "total": True}
    assert Model("sums", 2).get_artifact("sum").id == Model("sums", 1).get_artifact("sum").id
    assert {each.name for each in Model("sums", 2).list_artifacts()} == {"rows", "sum", "text"}
    assert len(list(Client().list_artifact_versions("rows"))) == 1


def test_what_a_step_logged_on_its_model_is_logged_on_the_next_version(hw: Headwater) -> None:
    @step
    def score() -> Annotated[float, "score"]:
        log_metadata({"accuracy": 0.9}, infer_model=True)
        log_metadata({"seconds": 3})
        return 0.9

    @pipeline(model=Model("scored"), enable_cache=True)
    def scoring() -> None:
        score()

    scoring()
    scoring()
    found = Model("scored", 2).run_metadata
    assert {name: each.value for name, each in found.items()} == {"accuracy": 0.9}
    assert found["accuracy"].run == Client().get_pipeline_run("scoring").id


def test_other_parameters_or_contents_run_again(hw: Headwater) -> None:
    adding()
    assert adding(times=2) == (6, "6")
    assert told.ran == ["load", "total", "total"]
    assert adding(rows=2) == (1, "1")
    assert told.ran[3:] == ["load", "total"]


def test_a_value_that_was_changed_in_place_is_another(hw: Headwater) -> None:
    adding()
    assert adding(change=True) == (6, "6")
    assert cached("adding") == {"load": True, "total": False}


def test_a_step_that_is_not_configured_so_runs(hw: Headwater) -> None:
    adding()
    adding.with_options(enable_cache=False)()
    assert told.ran == ["load", "total"] * 2


def test_other_code_runs_again(hw: Headwater) -> None:
    def made(value: int) -> Step[int]:
        @step(enable_cache=True)
        def make() -> int:
            told.ran.append("make")
            return value

        return make

    @pipeline
    def making(value: int) -> int:
        return made(value)()

    assert [making(1), making(1), making(2)] == [1, 1, 2]
    assert told.ran == ["make", "make"]


def test_a_step_whose_output_is_gone_runs(hw: Headwater) -> None:
    adding()
    for each in Client().list_artifact_versions("sum"):
        Client().delete_artifact_version(each.id)
    assert adding() == (3, "3")
    assert told.ran == ["load", "total", "total"]


def test_what_is_not_trusted_is_not_loaded_and_the_step_runs(hw: Headwater) -> None:
    frame = pd.DataFrame({"a": [1, 2]})

    @step
    def forest(seed: int) -> Annotated[Any, ArtifactConfig("forest")]:
        told.ran.append("forest")
        return RandomForestClassifier(2, random_state=seed).fit(frame, [0, 1])

    @pipeline(enable_cache=True)
    def growing(trusted: list[str]) -> Any:
        return forest.with_options(trusted=trusted)(seed=0)

    growing([])
    growing([])
    assert told.ran == ["forest", "forest"]
    assert isinstance(growing(["sklearn.tree._tree.Tree"]), RandomForestClassifier)
    assert told.ran == ["forest", "forest"]
