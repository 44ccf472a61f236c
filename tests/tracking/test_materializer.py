"""Values come back as they were; what cannot is refused by name."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from headwater import InvalidInputError, NotInstalledError
from headwater.tracking import ArtifactStore, Materializer, PickleMaterializer, Reading
from headwater.tracking.materializer import Registry
from headwater.tracking.materializers import registry

TREE = "sklearn.tree._tree.Tree"


def read_back(value: Any, **permitted: Any) -> Any:
    """What a value is after it was written; writing it again must give the same bytes."""
    written = registry.for_value(value)
    content = written.dump(value)
    assert written.dump(value) == content
    reader = registry.for_content(data_type=written.data_type, media_type=written.media_type)
    return reader.load(content, Reading(**permitted))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text('aé\n"中'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab~/"), inner),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(json_values)
def test_values_of_json_come_back(value: Any) -> None:
    found = read_back(value)
    assert found == value
    assert type(found) is type(value)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.binary())
def test_text_and_bytes_come_back(value: Any) -> None:
    assert read_back(value) == value


def test_order_of_names_tuples_and_numbers_of_numpy() -> None:
    value = {"b": np.float64(0.5), "a": (np.int64(3), np.float32(0.25)), "c": np.bool_(True)}
    found = read_back(value)
    assert list(found.items()) == [("b", 0.5), ("a", [3, 0.25]), ("c", True)]
    assert read_back(np.int32(7)) == 7
    assert math.isnan(read_back(float("nan")))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, date(2026, 5, 3)]}, r"/a/1: JSON has no datetime\.date"),
        ({"a": {1: "x"}}, "/a: JSON has names of text alone, and not 1"),
        ([np.datetime64("2026-05-03")], r"/0: JSON has no numpy\.datetime64"),
        ("\ud800", "surrogates"),
        (["\ud800"], "surrogates"),
        (np.array([object()]), "holds Python objects"),
        (pd.DataFrame({"a": [1, "x"]}), "Parquet cannot hold this frame"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Parquet cannot hold this frame"),
        (pd.DataFrame({0: [1], "b": [2]}), "its columns are called by texts and others"),
        (pd.DataFrame({0: [1]}, pd.Index([7], name=0)), "its index and a column are called 0"),
        (pd.Series([1], name=("a", date(2026, 5, 3))), "a series is called by texts and numbers"),
        (sparse.lil_matrix((2, 2)), "cannot write this lil matrix"),
        (pl.DataFrame({"a": [object()]}), "Parquet cannot hold this frame"),
    ],
)
def test_what_a_format_cannot_hold_is_said(store: ArtifactStore, value: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        store.put(value, name="thing")


FRAME = pd.DataFrame(
    {
        "int": pd.array([1, None, 3], dtype="Int64"),
        "float": [0.5, np.nan, 2.0],
        "small": np.array([1, 2, 3], dtype="uint8"),
        "text": ["a", "ü", None],
        "category": pd.Categorical(
            ["lo", "hi", "lo"], categories=["lo", "mid", "hi"], ordered=True
        ),
        "time": pd.to_datetime(["2026-05-03", "2026-05-04", None]).tz_localize("Europe/Oslo"),
        "span": pd.to_timedelta([1, 2, 3], unit="h"),
        "flag": [True, False, True],
        "list": [[1, 2], [], [3]],
    },
    index=pd.Index([10, 20, 30], name="id"),
)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_matrix", "dia_array"])
def test_sparse_matrices_come_back(kind: str) -> None:
    value = getattr(sparse, kind)(np.array([[0.0, 1.5], [0.0, 0.0], [2.0, 0.0]]))
    found = read_back(value)
    assert type(found) is type(value)
    assert (found.toarray() == value.toarray()).all()
    writer = registry.for_value(value)
    assert writer.dump(value) == writer.dump(value.copy())
    with pytest.raises(InvalidInputError, match="no sparse matrix"):
        writer.load(b"other content", Reading())


@pytest.mark.parametrize("name", [None, "a", "", "0", 0, 7, True, ("a", "b"), ("a", 1, None)])
@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2], index=pd.Index([5, 6], name="a")),
        pd.Series(["lo", None], dtype=pd.CategoricalDtype(["lo", "hi"], ordered=True)),
        pd.Series([], dtype="float64"),
        pd.Series([], dtype="category"),
        pd.Series([None], dtype="category"),
        pd.Series([1.5], index=pd.MultiIndex.from_tuples([("x", 1)], names=["one", "two"])),
    ],
    ids=["index", "ordered", "empty", "empty category", "no category", "multi index"],
)
def test_series_of_pandas_come_back_with_their_name(series: Any, name: Any) -> None:
    series = series.rename(name)
    series.attrs = {"unit": "kg"}
    found = read_back(series)
    pd.testing.assert_series_equal(found, series)
    assert (found.name, type(found.name)) == (name, type(name))
    assert found.attrs == series.attrs


def test_frames_of_pandas_come_back_with_index_and_dtypes() -> None:
    found = read_back(FRAME)
    plain = [name for name in FRAME if name != "list"]
    pd.testing.assert_frame_equal(found[plain], FRAME[plain])
    assert [list(each) for each in found["list"]] == [[1, 2], [], [3]]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])),
        pd.DataFrame({0: [1.0], 1: [2.0]}),
        pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2026-01-01", periods=2, freq="D")),
    ],
    ids=["nothing", "no rows", "two levels", "numbered columns", "times"],
)
def test_odd_frames_of_pandas_come_back(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(read_back(frame), frame, check_freq=False, check_index_type=False)


def test_what_a_frame_says_of_itself_comes_back_as_far_as_json_has_it() -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"headwater": {"columns": {"a": ["s.d.t.a"]}}, "odd": object()}
    assert read_back(frame).attrs == {"headwater": {"columns": {"a": ["s.d.t.a"]}}}
    assert "odd" in frame.attrs
    assert read_back(frame["a"]).attrs == read_back(frame).attrs


@pytest.mark.parametrize("column", ["int", "category", "time", "text"])
def test_series_of_pandas_come_back(column: str) -> None:
    pd.testing.assert_series_equal(read_back(FRAME[column]), FRAME[column])
    unnamed = FRAME[column].rename(None)
    assert read_back(unnamed).name in (None, 0)


def test_frames_and_series_of_polars_come_back() -> None:
    frame = pl.DataFrame(
        {
            "int": [1, None, 3],
            "text": ["a", "ü", None],
            "day": [date(2026, 5, 3)] * 3,
            "struct": [{"x": 1}, {"x": 2}, None],
            "enum": pl.Series(["lo", "hi", "lo"], dtype=pl.Enum(["lo", "hi"])),
        }
    )
    assert_frame_equal(read_back(frame), frame)
    assert_series_equal(read_back(frame["struct"]), frame["struct"])


@settings(max_examples=30)
@given(
    st.sampled_from(["int8", "float64", "complex128", "<U3", "datetime64[s]", "bool"]),
    st.lists(st.integers(0, 3), max_size=3),
)
def test_arrays_come_back(dtype: str, shape: list[int]) -> None:
    array = np.ones(shape).astype("int64").astype(dtype)
    found = read_back(array)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def fitted(seed: int = 0) -> Pipeline:
    rows = pd.DataFrame({"age": [30.0, 40, 50, 60], "city": ["Oslo", "Lima", "Oslo", "Lima"]})
    columns = ColumnTransformer(
        [
            ("n", StandardScaler(), ["age"]),
            ("c", OneHotEncoder(), ["city"]),
            ("t", TfidfVectorizer(), "city"),
        ]
    )
    forest = RandomForestClassifier(3, random_state=seed)
    model: Pipeline = make_pipeline(columns, forest).fit(rows, [0, 1, 0, 1])
    return model


def test_estimators_come_back_when_their_types_are_trusted() -> None:
    rows = pd.DataFrame({"age": [35.0, 55], "city": ["Lima", "Oslo"]})
    with pytest.raises(InvalidInputError, match=TREE) as refused:
        read_back(fitted())
    assert refused.value.details["untrusted"] == [TREE]
    found = read_back(fitted(), trusted=[TREE])
    np.testing.assert_array_equal(found.predict_proba(rows), fitted().predict_proba(rows))
    assert read_back(LogisticRegression(C=0.25)).C == 0.25


def test_an_estimator_trained_again_in_another_process_is_the_same_content() -> None:
    code = (
        "from hashlib import sha256; from tests.tracking.test_materializer import *;"
        "print(sha256(registry.for_value(fitted()).dump(fitted())).hexdigest())"
    )
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=root, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    estimators = registry.for_value(fitted())
    assert estimators.dump(fitted(0)) != estimators.dump(fitted(1))


class Forecast:
    def __init__(self, days: int) -> None:
        self.days = days


def test_a_type_that_nobody_registered_is_refused_by_name(store: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError, match=r"forecast: no materializer writes a .*Forecast;"):
        store.put(Forecast(3), name="forecast")


class Named(dict[str, int]):
    """A dictionary with more than JSON would tell."""


def test_what_derives_from_a_type_is_not_written_as_that_type(store: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError, match="Named"):
        store.put(Named(a=1), name="named")


def test_pickles_are_written_and_read_only_by_who_asks_for_it(tmp_path: Path) -> None:
    pickling = Registry([PickleMaterializer(Forecast)])
    stored = ArtifactStore(str(tmp_path), materializers=pickling).put(Forecast(3), name="forecast")
    kept: dict[str, Any] = {"data_type": stored.data_type, "media_type": stored.media_type}
    reader = ArtifactStore(str(tmp_path))
    with pytest.raises(InvalidInputError, match="allow_pickle=True"):
        reader.load(stored.uri, **kept)
    assert reader.load(stored.uri, allow_pickle=True, **kept).days == 3


class Bomb:
    def __reduce__(self) -> Any:
        return print, ("boom",)


@pytest.mark.parametrize("claimed", ["text", "json", "pandas.DataFrame", "numpy.ndarray"])
def test_a_pickle_under_another_name_is_never_run(
    store: ArtifactStore, claimed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = store.put(b"\x80" + pickle.dumps(Bomb()), name="bomb")
    media = {each.data_type: each.media_type for each in registry}[claimed]
    with pytest.raises(InvalidInputError, match="the content is no"):
        store.load(stored.uri, data_type=claimed, media_type=media, allow_pickle=True)
    assert capsys.readouterr().out == ""


def test_the_catalog_names_no_code_to_read_with(store: ArtifactStore) -> None:
    stored = store.put("text", name="note")
    with pytest.raises(InvalidInputError, match=r"no materializer of this process reads 'os\.sys"):
        store.load(stored.uri, data_type="os.system", media_type="text/plain")


class ForecastMaterializer(Materializer):
    data_type: ClassVar[str] = "forecast"
    media_type: ClassVar[str] = "text/plain"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, Forecast)

    def dump(self, value: Any) -> bytes:
        return str(value.days).encode()

    def load(self, content: bytes, reading: Reading) -> Any:
        return Forecast(int(content))


def test_a_registered_materializer_writes_and_reads_a_type_of_ones_own(tmp_path: Path) -> None:
    own = Registry([PickleMaterializer(Forecast)])
    own.register(ForecastMaterializer())
    store = ArtifactStore(str(tmp_path), materializers=own)
    stored = store.put(Forecast(5), name="forecast")
    assert stored.data_type == "forecast"
    assert store.load(stored.uri, data_type="forecast", media_type="text/plain").days == 5


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotInstalledError, match=r"pyarrow .*headwater\[tracking\]"):
        registry.for_value(FRAME).dump(FRAME)


class Pair(NamedTuple):
    left: int
    right: int


def test_a_named_tuple_is_refused_with_what_is_written_instead(store: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError, match=r"a named tuple as tuple\(…\) or …\._asdict\(\)"):
        store.put(Pair(1, 2), name="pair")
