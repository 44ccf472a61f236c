"""Pipelines and steps: what a run records, links and hands on, and what becomes of failures."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from headwater import (
    ArtifactConfig,
    Client,
    Headwater,
    InvalidInputError,
    Model,
    ModelStages,
    NotFoundError,
    PipelineRun,
    get_pipeline_context,
    get_step_context,
    log_artifact_metadata,
    log_metadata,
    log_model_metadata,
    pipeline,
    register_model_step,
    save_artifact,
    step,
)

Frames = tuple[Annotated[pd.DataFrame, "X_train"], Annotated[pd.Series, "y_train"]]


@step
def load(rows: int = 4) -> Frames:
    frame = pd.DataFrame({"a": [float(n) for n in range(rows)], "b": 1.0})
    return frame, pd.Series([0, 1] * (rows // 2), name="y")


@step
def train(X: pd.DataFrame, y: pd.Series, C: float = 1.0) -> Annotated[Any, "trained_model"]:  # noqa: N803
    fitted = LogisticRegression(C=C).fit(X, y)
    log_metadata({"accuracy": fitted.score(X, y)}, infer_model=True)
    return fitted


@step
def predict(model: Any, data: pd.DataFrame) -> Annotated[np.ndarray, "predictions"]:
    return model.predict(data)  # type: ignore[no-any-return]  # of scikit-learn


@step
def fail() -> None:
    raise ValueError("no luck")


def run_of(name: str) -> PipelineRun:
    return Client().get_pipeline_run(name)


def steps_of(run: PipelineRun) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in run.to_wire()["steps"]}


def named(references: list[dict[str, Any]]) -> list[str]:
    return [each["fullyQualifiedName"].split(".")[0] for each in references]


def test_a_step_outside_of_a_pipeline_is_the_function(hw: Headwater) -> None:
    frame, target = load(2)
    assert (len(frame), len(target)) == (2, 2)
    assert list(hw.list("pipeline")) == []


def test_a_run_records_steps_parameters_artifacts_and_where_it_ran(hw: Headwater) -> None:
    @pipeline(model=Model("iris", license="MIT"))
    def training(C: float = 0.5) -> Any:  # noqa: N803
        frame, target = load()
        return train(frame, target, C=C)

    assert isinstance(training(C=2.0), LogisticRegression)
    run = run_of("training")
    steps = steps_of(run)
    assert (run.status, [*steps]) == ("completed", ["load", "train"])
    assert [(each.name, each.value) for each in run.parameters or ()] == [("C", 2.0)]
    assert named(steps["load"]["outputs"]) == ["X_train", "y_train"]
    assert named(steps["train"]["inputs"]) == ["X_train", "y_train"]
    assert steps["train"]["parameters"] == [{"name": "C", "value": 2.0}]
    assert steps["train"]["codeVersion"].startswith("sha256:")
    where = run.to_wire()["environment"]
    assert {"pid", "host", "python", "platform"} <= set(where)
    assert "pandas" in where["packages"]
    version = Client().get_model_version("iris")
    assert (version.status, version.number, version.license) == ("ready", 1, "MIT")
    assert version.run_metadata["accuracy"].step == "train"
    assert version.run_metadata["accuracy"].run == run.id
    assert [each.id for each in Client().list_version_runs(version)] == [run.id]
    linked = {each.name: each for each in version.list_artifacts()}
    assert sorted(linked) == ["X_train", "trained_model", "y_train"]
    assert linked["trained_model"].type == "model"
    assert linked["trained_model"].entity.step == "train"


def test_each_run_makes_a_version_and_a_template_names_it(hw: Headwater) -> None:
    @pipeline(model=Model("iris", version="run-{run.id[:8]}"))
    def training() -> None:
        load()

    training()
    training()
    versions = list(Client().list_model_versions("iris"))
    assert len({each.version for each in versions}) == 2
    assert all(each.version.startswith("run-") for each in versions)


@pytest.mark.parametrize("template", ["{date[:4]}", "{run.id[:8]}"])
def test_a_template_that_comes_out_as_digits_names_a_version(
    hw: Headwater, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    monkeypatch.setattr("headwater.tracking.template.random_first", lambda _: "00000001-a")
    Client().create_model_version("iris")  # 1, which the digits may not mean

    @pipeline(model=Model("iris", version=template))
    def training() -> str:
        load()
        return get_pipeline_context().model.version

    made = training()
    assert re.fullmatch(r"v\d+", made)
    assert Model("iris", version=made).number == 2
    assert training() == made  # which is there
    assert [each.number for each in Client().list_model_versions("iris")] == [1, 2]


def test_the_step_s_model_goes_before_the_pipeline_s(hw: Headwater) -> None:
    seen = []

    @step(model=Model("other", version="1.0.5"))
    def make() -> Annotated[dict[str, int], "thing"]:
        seen.append(get_step_context().model.name)
        return {"a": 1}

    @pipeline(model=Model("iris"))
    def training() -> None:
        load()
        make()
        seen.append(get_pipeline_context().model.name)

    training()
    assert seen == ["other", "iris"]
    assert [each.name for each in Model("other", "1.0.5").list_artifacts()] == ["thing"]
    assert {each.name for each in Model("iris", 1).list_artifacts()} == {"X_train", "y_train"}


def test_one_model_on_step_and_pipeline_is_one_version(hw: Headwater) -> None:
    model = Model("iris")

    @step(model=model)
    def make() -> int:
        return 1

    @pipeline(model=model)
    def training() -> None:
        make()

    training()
    assert [each.number for each in Client().list_model_versions("iris")] == [1]


def test_a_model_s_artifact_passed_into_a_step_is_loaded_there_and_linked(hw: Headwater) -> None:
    @pipeline(model=Model("iris"))
    def training() -> None:
        frame, target = load()
        train(frame, target)

    @pipeline(model=Model("iris", version=ModelStages.PRODUCTION))
    def inference() -> Any:
        model = get_pipeline_context().model
        frame, _ = load()
        return predict(model=model.get_model_artifact("trained_model"), data=frame)

    with pytest.raises(NotFoundError):
        inference()
    assert run_of("inference").status == "failed"
    training()
    version = Client().get_model_version("iris")
    version.set_stage("production")
    assert len(inference()) == 4
    run = run_of("inference")
    assert named(steps_of(run)["predict"]["inputs"]) == ["trained_model", "X_train"]
    assert {each.type for each in run.inputs or ()} == {"artifactVersion", "modelVersion"}
    assert version.get_artifact("predictions").entity.produced_by is not None
    assert next(Client().list_version_runs(version)).name == run.name
    assert version.status == "ready"


def test_after_names_steps_that_must_have_completed(hw: Headwater) -> None:
    @step
    def promote() -> None:
        get_step_context().model.set_stage(ModelStages.STAGING, force=True)

    @pipeline(model=Model("iris"))
    def right() -> None:
        load()
        promote(after=["load"])
        promote(after="load")

    @pipeline(model=Model("iris"))
    def wrong(after: Any) -> None:
        promote(after=after)

    right()
    assert Client().get_model_version("iris", "staging").number == 1
    for after in ("load", load, ["load"], {"load"}):
        with pytest.raises(InvalidInputError, match="after load, which has not completed"):
            wrong(after)
    for other in (3, pd.DataFrame({"a": [1]}), [None]):
        with pytest.raises(InvalidInputError, match=r"by their names: after=\['load'\], and not"):
            wrong(other)


def test_ordinary_control_flow_works_and_names_repeated_steps(hw: Headwater) -> None:
    @step
    def count(n: int) -> Annotated[list[int], "numbers"]:
        return [n]

    @pipeline
    def looping() -> list[list[int]]:
        found = [count(n) for n in range(3) if n != 1]
        try:
            fail()
        except ValueError:
            found.append(count(9, id="rescue"))
        return found

    assert looping() == [[0], [2], [9]]
    run = run_of("looping")
    states = {name: each["status"] for name, each in steps_of(run).items()}
    assert states == {
        "count": "completed", "count_2": "completed", "fail": "failed", "rescue": "completed",
    }  # fmt: skip
    assert run.status == "completed"
    assert len({each.version for each in Client().list_artifact_versions("numbers")}) == 3


def test_a_failing_step_fails_run_and_version(hw: Headwater) -> None:
    @pipeline(model=Model("iris"))
    def training() -> None:
        load()
        fail()

    with pytest.raises(ValueError, match="no luck"):
        training()
    run = run_of("training")
    assert (run.status, steps_of(run)["fail"]["status"]) == ("failed", "failed")
    (log,) = hw.records(run, "log", kind="pipelineRun")
    assert log["data"]["message"] == "ValueError: no luck"
    assert Client().get_model_version("iris").status == "failed"


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("half \ud800 of a pair, \x00"), r"ValueError: half \ud800 of a pair, \x00"),
        (UnspeakableError(), "UnspeakableError: <exception str() failed>"),
    ],
)
def test_errors_of_any_text_fail_the_run(hw: Headwater, error: Exception, told: str) -> None:
    @step
    def lose() -> None:
        raise error

    @pipeline
    def losing() -> None:
        lose()

    with pytest.raises(type(error)) as raised:
        losing()
    assert raised.value is error
    run = run_of("losing")
    assert (run.status, steps_of(run)["lose"]["status"]) == ("failed", "failed")
    (log,) = hw.records(run, "log", kind="pipelineRun")
    assert log["data"]["message"].removeprefix(f"{__name__}.") == told


def test_a_pipeline_may_have_dots_and_quotes_in_its_name(hw: Headwater) -> None:
    for name in ('train."v2"/ü', "a.b.c"):
        pipeline(name=name)(load.function)()
        run = run_of(name)
        assert Client().get_pipeline_run(str(run.fully_qualified_name)).id == run.id
        assert Client().get_pipeline(str(run.pipeline.fully_qualified_name)).name == name


@pytest.mark.parametrize("kind", [step, pipeline])
def test_a_function_that_is_not_done_when_it_returns_is_no_step(kind: Any) -> None:
    async def wait() -> None: ...

    with pytest.raises(InvalidInputError, match="'wait' is async"):
        kind(wait)


def test_a_generator_is_no_step() -> None:
    with pytest.raises(InvalidInputError, match="'rows' yields"):

        @step
        def rows() -> Any:
            yield 1


def test_a_run_that_is_stopped_by_hand_is_cancelled(hw: Headwater) -> None:
    @step
    def stop() -> None:
        raise KeyboardInterrupt

    @pipeline
    def stopping() -> None:
        stop()

    with pytest.raises(KeyboardInterrupt):
        stopping()
    assert run_of("stopping").status == "cancelled"


def test_a_version_that_was_promoted_outlives_its_failing_run(hw: Headwater) -> None:
    @step
    def promote() -> None:
        get_step_context().model.set_stage("production")

    @pipeline(model=Model("iris", delete_new_version_on_failure=True))
    def training() -> None:
        promote()
        fail()

    with pytest.raises(ValueError, match="no luck"):
        training()
    version = Client().get_model_version("iris")
    assert (version.stage, version.status) == ("production", "failed")


def test_a_step_whose_failure_is_caught_leaves_no_version_that_is_ready(hw: Headwater) -> None:
    tries = []

    @step(model=Model("kept"))
    def lose() -> None:
        raise ValueError("no luck")

    @step(model=Model("retried"))
    def retry() -> Annotated[int, "made"]:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no luck")
        return 1

    @pipeline(model=Model("whole"))
    def catching() -> None:
        gone = Model("gone", delete_new_version_on_failure=True)
        for each in (lose, lose.with_options(model=gone), retry, retry, fail):
            with suppress(ValueError):
                each()

    catching()
    assert run_of("catching").status == "completed"
    assert list(Client().list_model_versions("gone")) == []
    status = {name: Model(name, 1).status for name in ("kept", "retried", "whole")}
    assert status == {"kept": "failed", "retried": "ready", "whole": "ready"}


def test_a_failing_run_leaves_no_version_when_so_configured(hw: Headwater) -> None:
    @pipeline(model=Model("iris", delete_new_version_on_failure=True))
    def training() -> None:
        load()
        fail()

    Model("iris", version="kept").resolve()
    with pytest.raises(ValueError, match="no luck"):
        training()
    assert [each.version for each in Client().list_model_versions("iris")] == ["kept"]
    assert {each.type for each in run_of("training").outputs or ()} == {"artifactVersion"}


def test_a_run_that_may_make_no_version_uses_the_latest(hw: Headwater) -> None:
    Model("iris").resolve()

    @pipeline(model=Model("iris", create_new_model_version=False))
    def using() -> None:
        load()

    using()
    assert [each.number for each in Client().list_model_versions("iris")] == [1]


def test_artifact_config_says_model_name_and_what_it_is(hw: Headwater) -> None:
    @step
    def make() -> Annotated[
        dict[str, int],
        ArtifactConfig(name="server", model_name="my_model", is_deployment_artifact=True),
    ]:
        log_artifact_metadata({"port": 80}, artifact_name="server")
        save_artifact("prompt", "be brief", is_model_artifact=True)
        return {"a": 1}

    @pipeline(model=Model("iris"))
    def deploying() -> None:
        make()

    deploying()
    deployed = Model("my_model", version="latest").get_deployment_artifact("server")
    assert deployed.load() == {"a": 1}
    assert deployed.run_metadata["port"].value == 80
    assert Model("iris", version="latest").get_model_artifact("prompt").load() == "be brief"
    outputs = steps_of(run_of("deploying"))["make"]["outputs"]
    assert sorted(named(outputs)) == ["prompt", "server"]


def test_metadata_of_models_runs_and_steps(hw: Headwater) -> None:
    @step
    def log() -> None:
        log_model_metadata({"a": 1})
        log_metadata({"b": 2})

    @pipeline(model=Model("iris"))
    def logging() -> None:
        log()
        log_metadata({"c": 3})
        log_model_metadata({"d": 4}, model_name="iris", version=None)

    logging()
    assert {*Client().get_model_version("iris").run_metadata} == {"a", "d"}
    run = run_of("logging")
    assert Client().get_run_metadata(run)["c"].value == 3
    assert Client().get_run_metadata(run, "log")["b"].value == 2


def test_metadata_of_what_is_named(hw: Headwater) -> None:
    @pipeline
    def training() -> None:
        load()

    training()
    run = run_of("training")
    log_metadata({"a": 1}, run=run)
    log_metadata({"b": 2}, run=run.id, step="load")
    log_metadata({"c": 3}, artifact_version="X_train")
    log_metadata({"d": 4}, artifact_version=Client().get_artifact_version("X_train").id)
    assert Client().get_run_metadata(run)["a"].value == 1
    assert Client().get_run_metadata(run, "load")["b"].value == 2
    found = Client().get_artifact_version("X_train").run_metadata
    assert {name: each.value for name, each in found.items()} == {"c": 3, "d": 4}


def test_what_no_step_made_becomes_an_artifact_or_a_parameter(hw: Headwater) -> None:
    @step
    def use(frame: pd.DataFrame, again: pd.DataFrame, numbers: list[int], other: object) -> None:
        pass

    @pipeline
    def using() -> None:
        made, _ = load()
        use(made.copy(), pd.DataFrame({"z": [1]}), [1, 2], object())

    using()
    found = steps_of(run_of("using"))["use"]
    assert found["parameters"] == [{"name": "numbers", "value": [1, 2]}]
    assert named(found["inputs"]) == ["X_train", "using::again"]


def test_arguments_of_any_kind_are_told_apart(hw: Headwater) -> None:
    @step
    def gather(*frames: Any, **named: Any) -> Annotated[int, "gathered"]:
        assert all(isinstance(each, pd.DataFrame) for each in frames)
        return len(frames) + len(named)

    @pipeline
    def gathering() -> int:
        frame, target = load()
        kept = save_artifact("kept", frame + 1)
        return gather(frame, kept, target=target, rate=0.5)

    assert gathering() == 4
    found = steps_of(run_of("gathering"))["gather"]
    assert named(found["inputs"]) == ["X_train", "kept", "y_train"]
    assert found["parameters"] == [{"name": "rate", "value": 0.5}]


def test_artifacts_within_a_list_are_inputs_too(hw: Headwater) -> None:
    @step
    def join(frames: list[pd.DataFrame], named: dict[str, Any]) -> int:
        return len(frames) + len(named)

    @pipeline
    def joining() -> int:
        frame, target = load()
        return join([frame, frame.copy()], {"y": target})

    assert joining() == 3
    assert named(steps_of(run_of("joining"))["join"]["inputs"]) == ["X_train", "y_train"]


def test_saving_data_makes_no_data_of_a_model(hw: Headwater) -> None:
    save_artifact("weights", {"a": 1}, is_model_artifact=True)
    assert save_artifact("weights", {"a": 2}).type == "model"


def test_yaml_configures_model_parameters_and_steps(hw: Headwater, tmp_path: Path) -> None:
    file = tmp_path / "training.yaml"
    file.write_text(
        "model: {name: iris, license: Apache 2.0, tags: [flowers]}\n"
        "parameters: {C: 3.0}\n"
        "steps: {load: {parameters: {rows: 6}, model: {name: other, version: '1.0'}}}\n",
        encoding="utf-8",
    )

    @pipeline
    def training(C: float = 1.0) -> int:  # noqa: N803
        frame, target = load()
        train(frame, target, C=C)
        return len(frame)

    assert training.with_options(config_path=file)() == 6
    assert Client().get_model("iris").license == "Apache 2.0"
    assert {each.name for each in Model("other", "1.0").list_artifacts()} == {"X_train", "y_train"}
    assert steps_of(run_of("training"))["train"]["parameters"][0]["value"] == 3.0
    training.configure(model=Model("third"))
    training()
    assert Model("third", version="latest").number == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("modell: {}", "modell is not known"),
        ("model: {version: 1}", "model has no name"),
        ("steps: {load: {cache: true}}", "steps.load: cache is not known"),
        ("enable_cache: perhaps", "true or false"),
        ("parameters: {D: 1}", "has no parameter D"),
        ("[", "is not YAML"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(
    hw: Headwater, tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")

    @pipeline
    def training(C: float = 1.0) -> None:  # noqa: N803
        load()

    with pytest.raises(InvalidInputError, match=told):
        training.with_options(config_path=file)()


def test_register_model_step_registers_what_a_step_trained(hw: Headwater) -> None:
    @pipeline
    def training() -> None:
        frame, target = load()
        model = train.with_options(model=Model("scratch"))(frame, target)
        register_model_step(
            model, name="quickstart", metadata={"gamma": 0.01}, description="The first run."
        )

    training()
    version = Client().get_model_version("quickstart")
    assert version.run_metadata["gamma"].value == 0.01
    assert version.description == "The first run."
    assert version.entity.algorithm == "LogisticRegression"
    assert [each.name for each in version.entity.ml_features or ()] == ["a", "b"]
    artifact = version.get_model_artifact("trained_model")
    assert version.entity.source_uri == artifact.uri
    with pytest.raises(InvalidInputError, match="call it there"):
        register_model_step(object(), name="x")


def test_contexts_are_there_only_while_something_runs(hw: Headwater) -> None:
    with pytest.raises(InvalidInputError, match="no pipeline is running"):
        get_pipeline_context()
    with pytest.raises(InvalidInputError, match="no step"):
        get_step_context()


def test_outputs_that_do_not_fit_the_annotation_fail_the_step(hw: Headwater) -> None:
    @step
    def wrong() -> tuple[Annotated[int, "a"], Annotated[int, "b"]]:
        return (1,)  # type: ignore[return-value]  # that is what is tested

    @pipeline
    def running() -> None:
        wrong()

    with pytest.raises(InvalidInputError, match="returned 1 values, and its annotation lists 2"):
        running()
    assert steps_of(run_of("running"))["wrong"]["status"] == "failed"


def test_a_pipeline_within_a_pipeline_is_part_of_its_run(hw: Headwater) -> None:
    @pipeline
    def inner() -> None:
        load()

    @pipeline
    def outer() -> None:
        inner()

    outer()
    assert [*steps_of(run_of("outer"))] == ["load"]
    inner.configure(model=Model("iris"))
    with pytest.warns(UserWarning, match="a run of 'outer', whose configuration counts"):
        outer()
    assert list(Client().list_models()) == []
    with pytest.raises(NotFoundError):
        run_of("inner")


def trained_in_production() -> Model:
    @pipeline(model=Model("churn"))
    def training() -> None:
        frame, target = load()
        train(frame, target)

    training()
    version = Client().get_model_version("churn")
    version.set_stage("production")
    return version


def test_what_is_made_of_a_version_s_artifact_is_linked_to_the_version(hw: Headwater) -> None:
    version = trained_in_production()

    @pipeline(enable_cache=True)
    def inference() -> None:
        model = Model("churn", version="production")
        frame, _ = load()
        predict(model.get_artifact("trained_model"), frame)

    for _ in range(2):  # the second takes what the first made
        inference()
        run = run_of("inference")
        assert version.id in {each.id for each in run.inputs or ()}
        assert next(Client().list_version_runs(version)).id == run.id
    assert steps_of(run)["predict"]["cached"]
    made = version.get_artifact("predictions")
    assert [each.id for each in made.entity.model_versions or ()] == [version.id]


def test_a_version_s_artifact_that_a_step_loads_itself_ties_the_step(hw: Headwater) -> None:
    version = trained_in_production()

    @step
    def score() -> Annotated[dict[str, int], "scores"]:
        found = Model("churn", version="production").get_artifact("trained_model").load()
        save_artifact("coefficients", found.coef_)
        return {"n": found.n_features_in_}

    @step(model=Model("monitor"))
    def watch(model: Any) -> Annotated[dict[str, int], "watched"]:
        return {"n": model.n_features_in_}

    @pipeline
    def scoring() -> None:
        score()
        model = Model("churn", version="production").get_artifact("trained_model").load()
        watch(model)

    scoring()
    assert {"scores", "coefficients"} <= {each.name for each in version.list_artifacts()}
    assert named(steps_of(run_of("scoring"))["score"]["inputs"]) == ["trained_model"]
    assert [each.name for each in Model("monitor", 1).list_artifacts()] == ["watched"]
    assert "watched" not in {each.name for each in version.list_artifacts()}
    assert next(Client().list_version_runs(version)).id == run_of("scoring").id


def test_a_method_may_be_a_step(hw: Headwater) -> None:
    class Trainer:
        factor = 2

        @step
        def multiply(self, n: int) -> Annotated[int, "product"]:
            return n * self.factor

    @pipeline
    def running() -> int:
        return int(Trainer().multiply(3))

    assert running() == 6
    found = steps_of(run_of("running"))["multiply"]
    assert found["parameters"] == [{"name": "n", "value": 3}]
    assert named(found["outputs"]) == ["product"]


def test_a_long_argument_of_a_pipeline_is_no_parameter(hw: Headwater) -> None:
    @step
    def length(text: str) -> int:
        return len(text)

    @pipeline
    def running(text: str, n: int) -> int:
        return length(text)

    assert running("x" * 9_000_000, 3) == 9_000_000
    run = run_of("running")
    assert [each.name for each in run.parameters or ()] == ["n"]
    assert named(steps_of(run)["length"]["inputs"]) == ["running::text"]
