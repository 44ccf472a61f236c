"""``enable_cache``: a step that would do the same again is not run; what it made is taken."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from headwater import (
    ArtifactConfig,
    Client,
    Headwater,
    InvalidInputError,
    Model,
    NotFoundError,
    get_step_context,
    load_artifact,
    log_artifact_metadata,
    log_metadata,
    log_model_metadata,
    pipeline,
    read_sql,
    read_table,
    register_model_step,
    save_artifact,
    step,
)
from headwater.connectors.sql import ingest
from headwater.tracking.materializer import Reading
from headwater.tracking.materializers import registry
from headwater.tracking.materializers.plain import BytesMaterializer
from headwater.tracking.step import Step

Totals = tuple[Annotated[int, "sum"], Annotated[str, "text"]]


class Color(IntEnum):
    red = 1


told: Any = logging.getLogger("told")
"""Has which steps ran. A logger, for a step is another when what it names in its module is."""
told.ran = []


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


def run_twice(*steps: Step[Any], model: Model | None = None) -> list[bool]:
    """Run steps of no arguments in two runs; tell which the second took from the first."""

    @pipeline(name="twice", model=model, enable_cache=True)
    def twice() -> None:
        for each in steps:
            each()

    twice()
    twice()
    return list(cached("twice").values())


def inputs_of(pipeline: str) -> set[str]:
    (step_,) = Client().get_pipeline_run(pipeline).to_wire()["steps"]
    return {each["id"] for each in step_["inputs"]}


def test_what_a_step_saved_is_linked_to_the_next_version_too(hw: Headwater) -> None:
    @step
    def prompts() -> Annotated[str, "first"]:
        save_artifact("second", "Be detailed.", is_model_artifact=True)
        return "Be concise."

    @step
    def read() -> Annotated[str, "read"]:
        return str(load_artifact("second"))

    assert run_twice(prompts, read, model=Model("agent")) == [True, True]
    versions = [Model("agent", number) for number in (1, 2)]
    names = [{each.name for each in version.list_artifacts()} for version in versions]
    assert names == [{"first", "second", "read"}] * 2
    assert versions[1].get_model_artifact("second").id == versions[0].get_artifact("second").id
    run = Client().get_pipeline_run("twice")
    saved = versions[0].get_artifact("second").id
    assert saved in {each["id"] for each in run.to_wire()["steps"][0]["outputs"]}


def test_metadata_of_what_a_step_saved_is_logged_on_that(hw: Headwater) -> None:
    save_artifact("prompt", "Be brief.")

    @step
    def prompts() -> None:
        save_artifact("prompt", "Be detailed.")
        log_artifact_metadata({"words": 2}, artifact_name="prompt")

    assert run_twice(prompts) == [True]
    found = Client().get_artifact_version("prompt")
    assert (found.load(), found.run_metadata["words"].value) == ("Be detailed.", 2)


def test_a_step_whose_saved_artifact_is_gone_runs(hw: Headwater) -> None:
    @step
    def prompts() -> None:
        told.ran.append("prompts")
        save_artifact("prompt", "Be detailed.")

    run_twice(prompts)
    Client().delete_artifact("prompt")
    run_twice(prompts)
    assert told.ran == ["prompts", "prompts"]
    assert load_artifact("prompt") == "Be detailed."


def test_a_step_runs_again_when_what_it_loads_is_another(hw: Headwater) -> None:
    @step
    def read() -> Annotated[int, "read"]:
        told.ran.append("read")
        return len(load_artifact("rows"))

    @pipeline(enable_cache=True)
    def reading() -> int:
        return read()

    first = save_artifact("rows", [1, 2])
    assert [reading(), reading()] == [2, 2]
    assert inputs_of("reading") == {first.id}
    again = save_artifact("rows", [1, 2])
    assert reading() == 2
    assert told.ran == ["read"]
    assert inputs_of("reading") == {again.id}  # of equal content, and the newest
    save_artifact("rows", [1, 2, 3])
    assert reading() == 3
    assert told.ran == ["read", "read"]


def test_a_step_runs_again_when_what_it_looked_for_in_vain_is_there(hw: Headwater) -> None:
    @step
    def read() -> Annotated[int, "read"]:
        try:
            return len(load_artifact("rows"))
        except NotFoundError:
            return 0

    @pipeline(enable_cache=True)
    def reading() -> int:
        return read()

    assert [reading(), reading()] == [0, 0]
    assert cached("reading") == {"read": True}
    save_artifact("rows", [1, 2])
    assert reading() == 2


def test_a_step_runs_again_when_another_version_is_in_production(hw: Headwater) -> None:
    @step
    def use() -> Annotated[str, "used"]:
        return str(Model("m", "production").get_artifact("weights").load())

    @pipeline(enable_cache=True)
    def using() -> str:
        return use()

    for value in ("a", "b"):
        Model("m", value).link_artifact(value, "weights")
        Model("m", value).set_stage("production", force=True)
        assert [using(), using()] == [value, value]
        assert cached("using") == {"use": True}
        run = Client().get_pipeline_run("using").id
        assert next(Client().list_version_runs(Model("m", value))).id == run
        assert Model("m", value).get_artifact("used").load() == value


def test_what_a_step_made_of_a_model_of_its_own_is_linked_to_that(hw: Headwater) -> None:
    Model("other", "one").resolve()

    @step
    def make() -> Annotated[int, ArtifactConfig("made", model_name="other")]:
        return 1

    assert run_twice(make, model=Model("own")) == [True]
    assert Model("other", "one").get_artifact("made").load() == 1
    assert list(Model("own", 2).list_artifacts()) == []


def test_what_a_step_logged_and_linked_is_so_in_the_next_run(hw: Headwater) -> None:
    first = save_artifact("rows", [1])

    @step
    def count() -> None:
        log_metadata({"seconds": 3})
        get_step_context().model.link_artifact(first)

    assert run_twice(count, model=Model("m")) == [True]
    run = Client().get_pipeline_run("twice")
    assert Client().get_run_metadata(run, "count")["seconds"].value == 3
    assert Model("m", 2).get_artifact("rows").id == first.id


def promote() -> None:
    get_step_context().model.set_stage("production", force=True)


def alias() -> None:
    get_step_context().model.set_alias("best")


def tell_run() -> str:
    return get_step_context().run_name


def tell_version() -> int:
    return get_step_context().model.number


def tell_version_id() -> str:
    return get_step_context().model.id


def tell_version_fqn() -> str:
    return get_step_context().model.fully_qualified_name


def tell_model_id() -> str:
    return get_step_context().model.model_id


def tell_whether_it_is_new() -> bool:
    return get_step_context().model.was_created_in_this_run


def show_model() -> str:
    return repr(get_step_context().model)


def log_on_another() -> None:
    log_model_metadata({'a "note"': 1}, model_name="other")


def compare() -> float:
    return float(Model("other", "latest").run_metadata["score"].value)


def count_versions() -> int:
    return len(list(Client().list_model_versions("other")))


def tell_artifact_version() -> str:
    return Client().get_artifact_version("kept").version


def show_artifact() -> str:
    return repr(Model("other", "one").get_artifact("kept"))


def link_to_another() -> None:
    Model("other", "latest").link_artifact(1, "one")


@pytest.mark.parametrize(
    "function",
    [
        promote,
        alias,
        tell_run,
        tell_version,
        tell_version_id,
        tell_version_fqn,
        tell_model_id,
        tell_whether_it_is_new,
        show_model,
        log_on_another,
        compare,
        count_versions,
        tell_artifact_version,
        show_artifact,
        link_to_another,
    ],
)
def test_a_step_that_asks_or_changes_the_catalog_runs_each_time(
    hw: Headwater, function: Any
) -> None:
    other = Model("other", "one")
    other.log_metadata({"score": 1.0})
    other.link_artifact(0, "kept")
    assert run_twice(step(function), model=Model("m")) == [False]
    assert run_twice(step(enable_cache=True)(function), model=Model("n")) == [True]
    assert run_twice(step(function), model=Model("n")) == [False]  # it does not say so itself


def test_a_step_that_tells_which_version_is_in_production_tells_that_of_now(hw: Headwater) -> None:
    @step
    def which() -> Annotated[str, "which"]:
        return Model("m", "production").id

    @pipeline(enable_cache=True)
    def telling() -> str:
        return which()

    for name in ("a", "b"):
        Model("m", name).set_stage("production", force=True)
        assert telling() == Model("m", name).id


@pytest.mark.parametrize("is_own_word", [False, True])
def test_a_step_that_logs_on_its_model_is_not_taken_from_the_cache_without_one(
    hw: Headwater, is_own_word: bool
) -> None:
    def scored() -> Annotated[int, "score"]:
        log_metadata({"accuracy": 1}, infer_model=True)
        return 1

    made = step(enable_cache=True)(scored) if is_own_word else step(scored)

    @pipeline(enable_cache=True)
    def scoring() -> None:
        made()

    scoring.with_options(model=Model("m"))()
    with pytest.raises(InvalidInputError, match="no model is configured here"):
        scoring()


def log_on_the_first() -> None:
    log_model_metadata({"checked": 1}, model_name="named", version="1")


def log_on_the_first_itself() -> None:
    Model("named", "1").log_metadata({"checked": 1})


def link_to_the_first() -> None:
    Model("named", "1").link_artifact(load_artifact_handle())


def load_artifact_handle() -> Any:
    return Client().get_artifact_version("rows")


@pytest.mark.parametrize("function", [log_on_the_first, log_on_the_first_itself, link_to_the_first])
@pytest.mark.parametrize("is_own_word", [False, True])
def test_what_a_step_does_with_a_version_that_it_names_is_not_done_with_another(
    hw: Headwater, function: Any, is_own_word: bool
) -> None:
    save_artifact("rows", [1])
    made = step(enable_cache=True)(function) if is_own_word else step(function)
    assert run_twice(made, model=Model("named")) == [is_own_word]
    assert Model("named", 2).run_metadata == {}
    assert list(Model("named", 2).list_artifacts()) == []


def test_a_model_is_registered_in_each_run(hw: Headwater) -> None:
    @step
    def train() -> Annotated[list[int], "weights"]:
        return [1]

    @pipeline(enable_cache=True)
    def training() -> None:
        register_model_step(train(), name="registered", metadata={"gamma": 1})

    training()
    training()
    assert list(cached("training").values()) == [True, False]
    version = Client().get_model_version("registered")
    assert (version.number, version.run_metadata["gamma"].value) == (2, 1)
    assert version.get_artifact("weights").load() == [1]


def test_a_step_that_changes_its_argument_runs_each_time(hw: Headwater) -> None:
    @step
    def add(frame: pd.DataFrame, plan: list[int]) -> None:
        frame["b"] = plan

    @step
    def extend(plan: list[int]) -> None:
        plan.append(3)

    @pipeline(enable_cache=True)
    def changing() -> tuple[list[str], list[int]]:
        frame, plan = load(), [0, 1]
        extend(plan)
        add(frame, plan)
        return list(frame), plan

    assert changing() == changing() == (["a", "b"], [0, 1, 3])
    assert cached("changing") == {"load": True, "extend": False, "add": False}


def test_a_file_that_is_read_counts_by_its_content(hw: Headwater, tmp_path: Path) -> None:
    database(hw)
    file = tmp_path / "orders.csv"

    @step
    def read() -> Annotated[int, "total"]:
        return int(read_table("shop.main.orders", "orders.csv")["total"].sum())

    @pipeline(enable_cache=True)
    def reading() -> int:
        return read()

    file.write_text("total\n1\n", encoding="utf-8")
    assert [reading(), reading()] == [1, 1]
    assert cached("reading") == {"read": True}
    assert len(inputs_of("reading")) == 1
    times = file.stat()
    file.write_text("total\n2\n", encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert reading() == 2


def test_a_step_that_reads_a_database_runs_unless_it_says_itself_that_it_is_cached(
    hw: Headwater, caplog: pytest.LogCaptureFixture
) -> None:
    path = database(hw)

    @step
    def read() -> Annotated[int, "total"]:
        with closing(sqlite3.connect(path)) as connection:
            first = read_sql("SELECT total FROM orders", connection)["total"].sum()
            return int(first + read_table("shop.main.orders", connection)["total"].sum())

    with caplog.at_level("INFO", logger="headwater.tracking"):
        assert run_twice(read) == [False]
    assert "step read is not cached, since it reads a database" in caplog.text
    assert run_twice(read.with_options(enable_cache=True)) == [True]


def test_a_step_that_uses_what_cannot_be_hashed_runs_unless_it_says_itself_that_it_is_cached(
    hw: Headwater, caplog: pytest.LogCaptureFixture
) -> None:
    hidden = memoryview(b"1")

    @step
    def count() -> Annotated[int, "count"]:
        return len(hidden)

    with caplog.at_level(logging.INFO, "headwater.tracking"):
        assert run_twice(count) == [False]
    assert [each.message for each in caplog.records if each.name == "headwater.tracking"] == [
        "step count is not cached, since it uses hidden, of which the content is not known"
        " (memoryview); enable_cache=True of the step itself caches it all the same"
    ] * 2
    assert run_twice(count.with_options(enable_cache=True)) == [True]


def test_a_step_runs_again_when_a_base_of_what_it_uses_is_another(hw: Headwater) -> None:
    def made(rate: int) -> Step[int]:
        class Base:
            def of(self, value: int) -> int:
                return value * rate

        class Tax(Base):
            pass

        @step
        def tax() -> Annotated[int, "tax"]:
            return Tax().of(100)

        return tax

    @pipeline(enable_cache=True)
    def taxing(rate: int) -> int:
        return made(rate)()

    assert [taxing(1), taxing(2), taxing(1)] == [100, 200, 100]
    assert cached("taxing") == {"tax": True}


def test_a_materializer_that_fails_to_read_lets_the_step_run(
    hw: Headwater, monkeypatch: pytest.MonkeyPatch
) -> None:
    @step
    def make() -> bytes:
        told.ran.append("make")
        return b"1"

    @pipeline(enable_cache=True)
    def making() -> bytes:
        return make()

    class Reversed(BytesMaterializer):
        def load(self, content: bytes, reading: Reading) -> Any:
            raise KeyError("another release wrote it")

    making()
    monkeypatch.setattr(registry, "_known", [Reversed(), *registry])
    assert making() == b"1"
    assert told.ran == ["make", "make"]


def test_steps_of_equal_code_and_other_names_make_artifacts_of_their_own(hw: Headwater) -> None:
    @pipeline(enable_cache=True)
    def making() -> None:
        for name in ("first", "second"):
            one(id=name)

    @step
    def one() -> int:
        return 1

    making()
    assert cached("making") == {"first": False, "second": False}
    assert load_artifact("making::second::output") == 1


def test_a_version_that_was_written_anew_is_not_taken_for_what_it_was(hw: Headwater) -> None:
    @step
    def double(value: int) -> Annotated[int, ArtifactConfig("doubled", version="1")]:
        return value * 2

    @pipeline(enable_cache=True)
    def doubling(value: int) -> int:
        return double(value)

    assert [doubling(1), doubling(2), doubling(1), doubling(1)] == [2, 4, 2, 2]
    assert cached("doubling") == {"double": True}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (1, Color.red),
        ("x" * 20_000, b"x" * 20_000),
    ],
    ids=["tuple", "order", "enumeration", "bytes"],
)
def test_arguments_that_are_written_alike_are_told_apart(
    hw: Headwater, first: Any, second: Any
) -> None:
    @step
    def show(value: Any) -> str:
        return repr(value)

    @pipeline(enable_cache=True)
    def showing(value: Any) -> str:
        return show(value)

    assert [showing(first), showing(second)] == [repr(first), repr(second)]
    assert showing(first) == repr(first)
    assert cached("showing") == {"show": True}


def test_a_value_that_nothing_writes_any_more_lets_the_step_run(hw: Headwater) -> None:
    @step
    def make() -> list[Any]:
        return [1]

    @step
    def count(values: list[Any]) -> int:
        return len(values)

    @pipeline(enable_cache=True)
    def counting() -> int:
        values = make()
        values.append(object())
        return count(values)

    assert [counting(), counting()] == [2, 2]
    assert cached("counting") == {"make": True, "count": False}


def database(hw: Headwater) -> Path:
    """A database with one table, which the catalog has, too."""
    path = Path("shop.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE orders (total INT); INSERT INTO orders VALUES (1)")
    ingest(hw, f"sqlite:///{path}", service="shop")
    return path


@pytest.mark.parametrize("value", [None, 1, (1,), (1, "a")])
def test_a_step_without_an_annotation_returns_the_same_from_the_cache(
    hw: Headwater, value: Any
) -> None:
    @step
    def give():  # type: ignore[no-untyped-def]
        told.ran.append("give")
        return value

    @pipeline(enable_cache=True)
    def giving() -> Any:
        return give()

    assert [giving(), giving()] == [value, value]
    assert told.ran == ["give"]
