"""The class of an estimator in a file, without loading it."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headwater.connectors.pickle_class import class_in_pickle, class_in_skops

X, Y = [[0.0], [1.0], [2.0], [3.0]] * 5, [0, 1, 0, 1] * 5


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_class_is_that_of_the_fitted_estimator(protocol: int) -> None:
    for estimator, name in (
        (LogisticRegression(), "LogisticRegression"),
        (RandomForestClassifier(n_estimators=2), "RandomForestClassifier"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression"),
        (make_pipeline(StandardScaler(), "passthrough"), "StandardScaler"),
        (
            GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}, cv=2),
            "LogisticRegression",
        ),
        (TransformedTargetRegressor(LinearRegression()), "LinearRegression"),
    ):
        content = pickle.dumps(estimator.fit(X, Y), protocol=protocol)
        assert class_in_pickle(content) == name


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path, then: Any = None) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_of_a_file_is_executed(tmp_path: Path, protocol: int) -> None:
    file = tmp_path / "executed"
    model = LogisticRegression().fit(X, Y)
    model.bomb = Bomb(file)
    content = pickle.dumps(model, protocol=protocol)
    assert class_in_pickle(content) == "LogisticRegression"
    assert class_in_pickle(pickle.dumps(Bomb(file), protocol=protocol)) in ("system", None)
    assert not file.exists()
    pickle.loads(content)  # noqa: S301  (it shows that the file would have been made)
    assert file.exists()


def test_no_opcode_imports_or_calls(tmp_path: Path) -> None:
    file = tmp_path / "executed"
    call = f"(S'open({str(file)!r}, \"w\")'\nR."
    for head in ("cbuiltins\neval\n", "c__builtin__\nexec\n", "cbuiltins\ngetattr\n"):
        class_in_pickle((head + call.replace("R.", "tR.")).encode())
    class_in_pickle(f"(S'touch {file}'\nios\nsystem\n.".encode())  # INST
    class_in_pickle(f"(cos\nsystem\nS'touch {file}'\no.".encode())  # OBJ
    assert not file.exists()


def test_a_class_of_a_script_is_named_by_its_own_name() -> None:
    # As cloudpickle writes classes that cannot be imported: a call that makes the class.
    content = (
        b"ccloudpickle.cloudpickle\n_make_skeleton_class\n"
        b"(cbuiltins\ntype\nS'OwnForest'\n(t(dS'id'\nNtR)\x81."
    )
    assert class_in_pickle(content) == "OwnForest"


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x05]\x94.", b"\x80\x05N.", b"(" * 9])
def test_what_holds_no_estimator_has_no_class(content: bytes) -> None:
    assert class_in_pickle(content) is None
    assert class_in_skops(content) is None


def skops(schema: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    return content.getvalue()


def node(name: str, **attributes: Any) -> dict[str, Any]:
    held = {"__class__": "dict", "__loader__": "DictNode", "content": attributes}
    return {"__class__": name, "__loader__": "ObjectNode", "content": held}


def test_skops_files_tell_the_last_step_of_a_pipeline() -> None:
    def step(name: str, inner: dict[str, Any]) -> dict[str, Any]:
        label = {"__class__": "str", "__loader__": "JsonNode", "content": f'"{name}"'}
        return {"__class__": "tuple", "__loader__": "TupleNode", "content": [label, inner]}

    steps = [step("a", node("StandardScaler")), step("b", node("Ridge"))]
    off = {"__class__": "str", "__loader__": "JsonNode", "content": '"passthrough"'}
    pipeline = node("Pipeline", steps={"content": [*steps, step("c", off)]})
    assert class_in_skops(skops(pipeline)) == "Ridge"
    assert class_in_skops(skops(node("GridSearchCV", best_estimator_=pipeline))) == "Ridge"
    assert class_in_skops(skops(node("SVC"))) == "SVC"
    assert class_in_skops(skops({"no": "schema"})) is None
