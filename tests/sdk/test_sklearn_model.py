"""Fitted models of scikit-learn in the catalog.

What their features are said to be made from is held against what changes when one raw column does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import FeatureAgglomeration, KMeans
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
    TargetEncoder,
)

from headwater import (
    AlreadyExistsError,
    ConflictError,
    Headwater,
    InvalidInputError,
    MlModel,
    ModelVersion,
    Table,
)
from headwater.sdk.sklearn_trace import outputs_of, raw_outputs

WORDS = ["late parcel", "kind voice", "late answer", "broken lid", "kind lid", "parcel lid"]


def frame(rows: int = 240) -> pd.DataFrame:
    draw = np.random.default_rng(7)
    made = pd.DataFrame(
        {
            "age": draw.integers(18, 90, rows),
            "income": draw.normal(40, 10, rows),
            "visits": draw.poisson(3, rows).astype(float),
            "city": draw.choice(["Oslo", "Lima", "Kyoto"], rows),
            "plan": draw.choice(["a", "b", "x_a"], rows),
            "note": draw.choice(WORDS, rows),
        }
    )
    made.loc[draw.choice(rows, 40, replace=False), "income"] = np.nan
    return made


FRAME = frame()
TARGET = (FRAME["age"] + 9 * FRAME["visits"] + 7 * (FRAME["city"] == "Oslo") > 75).astype(int)
NUMBERS, CATEGORIES = ["age", "income", "visits"], ["city", "plan"]


class RatioAdder(BaseEstimator, TransformerMixin):  # type: ignore[misc]  # it has no annotations
    """A transformer of one's own, that names what it passes on."""

    def fit(self, rows: Any, y: Any = None) -> RatioAdder:
        self.n_features_in_ = np.asarray(rows).shape[1]
        return self

    def transform(self, rows: Any) -> Any:
        rows = np.asarray(rows, dtype=float)
        return np.column_stack([rows, rows[:, 0] / (1 + rows[:, 1])])

    def get_feature_names_out(self, names: Any = None) -> Any:
        return np.array([*names, "ratio"], dtype=object)


class ByName(BaseEstimator, TransformerMixin):  # type: ignore[misc]
    """Puts columns into the order of their names, and leaves out those with short ones."""

    def __init__(self, least: int = 0) -> None:
        self.least = least

    def fit(self, rows: pd.DataFrame, y: Any = None) -> ByName:
        self.feature_names_in_ = np.asarray(rows.columns, dtype=object)
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[[*self.get_feature_names_out()]]

    def get_feature_names_out(self, names: Any = None) -> Any:
        chosen = [name for name in self.feature_names_in_ if len(name) >= self.least]
        return np.array(sorted(chosen), dtype=object)


def numbers(**options: Any) -> Pipeline:
    return make_pipeline(SimpleImputer(**options), StandardScaler())


def usual() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", numbers(add_indicator=True), NUMBERS),
            ("categories", OneHotEncoder(), CATEGORIES),
            ("words", TfidfVectorizer(), "note"),
        ]
    )


def first_differences(rows: Any) -> Any:
    return np.diff(np.asarray(rows), axis=1)


def upper_names(feature: str, category: Any) -> str:
    return f"{feature.upper()} IS {category}"


def value_alone(feature: str, category: Any) -> str:
    return f"is {category}"


PREPARATIONS: dict[str, Callable[[], Any]] = {
    "usual": usual,
    "dense names": lambda: ColumnTransformer(
        [("n", numbers(), NUMBERS), ("c", OneHotEncoder(drop="first"), CATEGORIES)],
        verbose_feature_names_out=False,
    ),
    "places, masks, slices, selectors": lambda: ColumnTransformer(
        [
            ("drop", "drop", [0]),
            ("imputed", SimpleImputer(), slice(1, 2)),
            ("mask", "passthrough", [False, False, True, False, False, False]),
            ("named", OrdinalEncoder(), slice("city", "plan")),
            ("selected", StandardScaler(), make_column_selector(dtype_include=["int64"])),
        ]
    ),
    "remainder": lambda: ColumnTransformer(
        [("c", OneHotEncoder(max_categories=2), ["plan"]), ("no", "drop", ["note", "city"])],
        remainder=SimpleImputer(),
    ),
    "one-hot of one's own names": lambda: ColumnTransformer(
        [("c", OneHotEncoder(feature_name_combiner=upper_names), CATEGORIES)]
    ),
    "one-hot of values alone": lambda: ColumnTransformer(
        [("c", OneHotEncoder(feature_name_combiner=value_alone, min_frequency=9), CATEGORIES)]
    ),
    "one-hot of values alone, of all": lambda: make_pipeline(
        picked(CATEGORIES), OneHotEncoder(feature_name_combiner=value_alone)
    ),
    "names that look like others' prefixes": lambda: ColumnTransformer(
        [("a", OneHotEncoder(), ["plan"]), ("a_x", OrdinalEncoder(), ["city"])]
    ),
    "polynomials": lambda: ColumnTransformer(
        [("p", make_pipeline(SimpleImputer(), PolynomialFeatures(2)), NUMBERS)]
    ),
    "bins and targets": lambda: ColumnTransformer(
        [
            ("b", KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), ["age", "visits"]),
            ("t", TargetEncoder(), CATEGORIES),
        ]
    ),
    "components": lambda: ColumnTransformer(
        [
            ("p", make_pipeline(SimpleImputer(), StandardScaler(), PCA(2)), NUMBERS),
            ("s", make_pipeline(CountVectorizer(), TruncatedSVD(2, random_state=0)), "note"),
        ]
    ),
    "whole rows": lambda: ColumnTransformer(
        [("n", make_pipeline(SimpleImputer(), Normalizer()), NUMBERS)]
    ),
    "selected": lambda: make_pipeline(usual(), VarianceThreshold(0.01), SelectKBest(k=6)),
    "selected by a model": lambda: make_pipeline(
        usual(), SelectFromModel(RandomForestClassifier(20, random_state=0))
    ),
    "a union": lambda: FeatureUnion(
        [
            ("log", make_pipeline(picked(["age"]), FunctionTransformer(np.log1p))),
            ("cats", make_pipeline(picked(CATEGORIES), OneHotEncoder(sparse_output=False))),
            ("none", "drop"),
        ]
    ),
    "a union within": lambda: ColumnTransformer(
        [
            (
                "n",
                make_pipeline(
                    SimpleImputer(),
                    make_union(StandardScaler(), PCA(1), SelectKBest(k=1), "passthrough"),
                ),
                NUMBERS,
            )
        ]
    ),
    "frames in between": lambda: make_pipeline(usual_frame(), StandardScaler(), SelectKBest(k=5)),
    "groups": lambda: ColumnTransformer(
        [("g", make_pipeline(SimpleImputer(), FeatureAgglomeration(2)), NUMBERS)]
    ),
    "of one's own": lambda: ColumnTransformer([("o", RatioAdder(), ["age", "visits"])]),
    "of one's own, in the order of names": lambda: ColumnTransformer(
        [("o", make_pipeline(ByName(), StandardScaler()), ["visits", "age"])]
    ),
    "of one's own, chosen by name": lambda: ColumnTransformer(
        [("o", ByName(least=4), ["visits", "age"])]
    ),
    "chosen by a function that names its choice": lambda: ColumnTransformer(
        [
            (
                "o",
                FunctionTransformer(
                    lambda rows: rows[["visits"]], feature_names_out=lambda *_: ["visits"]
                ),
                ["age", "visits"],
            )
        ]
    ),
    "a function": lambda: ColumnTransformer(
        [
            ("f", FunctionTransformer(first_differences), ["age", "visits"]),
            ("c", OrdinalEncoder(), ["city"]),
        ]
    ),
    "a function in a pipeline": lambda: make_pipeline(
        ColumnTransformer([("keep", "passthrough", ["age", "visits"])]),
        FunctionTransformer(first_differences),
        StandardScaler(),
    ),
}


def picked(columns: list[str]) -> ColumnTransformer:
    return ColumnTransformer([("it", "passthrough", columns)], verbose_feature_names_out=False)


def usual_frame() -> Any:
    parts = [("n", numbers(), NUMBERS), ("c", OneHotEncoder(sparse_output=False), CATEGORIES)]
    return ColumnTransformer(parts).set_output(transform="pandas")


def dense(values: Any) -> Any:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)


def changed_by(preparation: Any, column: str, frame: pd.DataFrame = FRAME) -> set[int]:
    """The outputs that change when one raw column's values are dealt to other rows."""
    before, found = dense(preparation.transform(frame)), set[int]()
    for seed in range(3):
        other = frame.copy()
        order = np.random.default_rng(seed).permutation(len(other))
        other[column] = other[column].to_numpy()[order]
        differs = ~np.isclose(before, dense(preparation.transform(other)), equal_nan=True)
        found |= set(np.flatnonzero(differs.any(axis=0)).tolist())
    return found


@pytest.mark.parametrize("name", PREPARATIONS)
def test_a_feature_is_tied_to_exactly_the_columns_that_change_it(name: str) -> None:
    preparation = PREPARATIONS[name]()
    check_edges(preparation.fit(FRAME, TARGET), FRAME)


def test_a_value_filled_by_neighbours_is_tied_to_all_that_tell_neighbours() -> None:
    gaps = FRAME[NUMBERS].mask(np.random.default_rng(3).random((len(FRAME), 3)) < 0.1)
    check_edges(KNNImputer(add_indicator=True).fit(gaps), gaps)


def check_edges(preparation: Any, frame: pd.DataFrame) -> None:
    outputs = outputs_of(before_model(preparation), raw_outputs(frame.columns))
    assert len(outputs) == dense(preparation.transform(frame)).shape[1]
    claimed = {(source, at) for at, each in enumerate(outputs) for source in each.sources}
    assert claimed == {
        (column, at) for column in frame for at in changed_by(preparation, column, frame)
    }


def before_model(preparation: Any) -> Pipeline:
    return Pipeline([("prepare", preparation), ("model", LogisticRegression())])


NAMELESS = {"a union", "a function", "a function in a pipeline"}


@pytest.mark.parametrize("name", [name for name in PREPARATIONS if name not in NAMELESS])
def test_features_have_the_names_that_the_pipeline_gives_them(name: str) -> None:
    preparation = PREPARATIONS[name]().fit(FRAME, TARGET)
    outputs = outputs_of(before_model(preparation), raw_outputs(FRAME.columns))
    assert [each.name for each in outputs] == list(preparation.get_feature_names_out())


@pytest.fixture
def shop(hw: Headwater) -> Table:
    """The table ``shop.main.raw.people`` with all of the frame's columns."""
    hw.create({"name": "shop"}, kind="databaseService")
    hw.create({"name": "main", "service": "shop"}, kind="database")
    hw.create({"name": "raw", "database": "shop.main"}, kind="databaseSchema")
    columns = [{"name": name, "dataType": "TEXT"} for name in FRAME.columns]
    return hw.create(
        {"name": "people", "databaseSchema": "shop.main.raw", "columns": columns}, kind=Table
    )


def fitted(**options: Any) -> Pipeline:
    model = RandomForestClassifier(**({"n_estimators": 12, "random_state": 0} | options))
    return make_pipeline(usual(), model).fit(FRAME, TARGET)


def test_a_pipeline_becomes_a_model_with_lineage_from_its_table(hw: Headwater, shop: Table) -> None:
    model = hw.sklearn_model("churn", fitted(), FRAME, sources="shop.main.raw.people", target="y")
    assert (model.algorithm, model.target) == ("RandomForestClassifier", "y")
    parameters = {each.name: each.value for each in model.ml_hyper_parameters or []}
    assert parameters == {"n_estimators": 12, "random_state": 0}
    features = {each.name: each for each in model.ml_features or []}
    assert features["categories__city_Oslo"].to_wire()["dataType"] == "categorical"
    assert features["categories__city_Oslo"].feature_algorithm == "OneHotEncoder"
    income = features["numbers__income"]
    assert (income.feature_algorithm, income.to_wire()["dataType"]) == (
        "SimpleImputer → StandardScaler",
        "numerical",
    )
    source = (income.feature_sources or [])[0]
    assert source.to_wire()["dataType"] == "number"
    assert source.fully_qualified_name == "shop.main.raw.people.income"
    assert source.column_id is not None
    reached = hw.lineage("column:shop.main.raw.people.city", downstream=1, upstream=0)
    assert {node.name for node in reached.downstream()} == {
        *("categories__city_Kyoto", "categories__city_Lima", "categories__city_Oslo"),
    }


def test_registering_the_same_again_makes_no_version(hw: Headwater, shop: Table) -> None:
    first = hw.sklearn_model("churn", fitted(), FRAME, sources=shop)
    assert hw.sklearn_model("churn", fitted(), FRAME, sources=shop).version == first.version
    other = make_pipeline(usual(), LogisticRegression(max_iter=300)).fit(FRAME, TARGET)
    assert hw.sklearn_model("churn", other, FRAME, sources=shop).version == "1.0"


def test_raw_columns_come_from_where_each_is_said_to(hw: Headwater, shop: Table) -> None:
    hw.create(
        {
            "name": "bills",
            "databaseSchema": "shop.main.raw",
            "columns": [{"name": "sum", "dataType": "INT"}, {"name": "tip", "dataType": "INT"}],
        },
        kind=Table,
    )
    sources = {
        "age": "shop.main.raw.people",
        "income": ["shop.main.raw.bills.sum", "column:shop.main.raw.bills.tip"],
        "visits": "shop.main.raw.bills",  # which has no such column
    }
    prepare = ColumnTransformer([("n", numbers(), NUMBERS)], verbose_feature_names_out=False)
    pipeline = make_pipeline(prepare, KMeans(2)).fit(FRAME)
    model = hw.sklearn_model("groups", pipeline, FRAME, sources=sources)
    found = {
        feature.name: {str(each.fully_qualified_name) for each in feature.feature_sources or []}
        for feature in model.ml_features or []
    }
    assert found == {
        "age": {"shop.main.raw.people.age"},
        "income": {"shop.main.raw.bills.sum", "shop.main.raw.bills.tip"},
        "visits": {"shop.main.raw.bills.visits"},
    }
    unresolved = [
        source.name
        for feature in model.ml_features or []
        for source in feature.feature_sources or []
        if source.column_id is None
    ]
    assert unresolved == ["visits"]


def test_two_raw_columns_of_one_source_are_one_source_of_a_feature(
    hw: Headwater, shop: Table
) -> None:
    pipeline = make_pipeline(PCA(1), KMeans(2)).fit(FRAME[["age", "visits"]])
    sources = dict.fromkeys(["age", "visits"], "shop.main.raw.people.age")
    model = hw.sklearn_model("groups", pipeline, FRAME, sources=sources)
    (feature,) = model.ml_features or []
    assert [each.name for each in feature.feature_sources or []] == ["age"]


def test_a_source_that_is_nowhere_is_refused(hw: Headwater, shop: Table) -> None:
    for sources in ("shop.main.raw.poeple", {"age": "shop.main.raw.poeple.age"}, {"agee": shop}):
        with pytest.raises(InvalidInputError, match=r"poeple|agee"):
            hw.sklearn_model("churn", fitted(), FRAME, sources=sources)
    assert hw.find(MlModel, "headwater.churn") is None


def test_columns_without_sources_keep_their_names(hw: Headwater) -> None:
    model = hw.sklearn_model("churn", LogisticRegression().fit(FRAME[["age"]], TARGET))
    assert [each.to_wire()["featureSources"] for each in model.ml_features or []] == [
        [{"name": "age", "fullyQualifiedName": "headwater.churn.age.age"}]
    ]


def test_names_are_needed_for_what_was_fitted_without(hw: Headwater) -> None:
    bare = LogisticRegression().fit(FRAME[["age", "visits"]].to_numpy(), TARGET)
    with pytest.raises(InvalidInputError, match="names of its columns"):
        hw.sklearn_model("churn", bare)
    with pytest.raises(InvalidInputError, match="2 columns, not 1"):
        hw.sklearn_model("churn", bare, ["age"])
    model = hw.sklearn_model("churn", bare, ["age", "visits"])
    assert [each.name for each in model.ml_features or []] == ["age", "visits"]


def test_what_is_not_fitted_or_of_other_columns_is_refused(hw: Headwater) -> None:
    with pytest.raises(InvalidInputError, match="not fitted"):
        hw.sklearn_model("churn", make_pipeline(usual(), LogisticRegression()), FRAME)
    with pytest.raises(InvalidInputError, match="note"):
        hw.sklearn_model("churn", fitted(), FRAME.drop(columns="note"))


def test_a_search_gives_the_best_estimator_and_its_parameters(hw: Headwater) -> None:
    pipeline = make_pipeline(usual(), LogisticRegression(max_iter=400))
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.5, 2.0]}, cv=2).fit(FRAME, TARGET)
    model = hw.sklearn_model("churn", search, FRAME, parameters=["tol"])
    assert model.algorithm == "LogisticRegression"
    parameters = {each.name: each.value for each in model.ml_hyper_parameters or []}
    assert parameters.keys() == {"C", "max_iter", "tol"}
    assert parameters["C"] == search.best_params_["logisticregression__C"]


def test_parameters_are_json_and_the_same_every_time(hw: Headwater) -> None:
    stack = StackingClassifier(
        [("tree", RandomForestClassifier(np.int64(5), random_state=np.random.RandomState(1)))],
        final_estimator=LogisticRegression(C=np.inf, class_weight={0: 1.0, 1: 2.0}),
        cv=2,
    ).fit(FRAME[["age", "visits"]], TARGET)
    model = hw.sklearn_model("stack", stack)
    parameters = {each.name: each.value for each in model.ml_hyper_parameters or []}
    assert parameters == {
        "cv": 2,
        "estimators": [["tree", "RandomForestClassifier"]],
        "final_estimator": "LogisticRegression",
        "final_estimator__C": "inf",
        "final_estimator__class_weight": {"0": 1.0, "1": 2.0},
    }


def test_a_version_is_made_beside_a_model_that_serves_another(hw: Headwater, shop: Table) -> None:
    spring = hw.sklearn_model("churn", fitted(), FRAME, sources=shop, version="spring")
    assert isinstance(spring, ModelVersion)
    assert spring.trained_at is not None
    assert {source.name for source in spring.frozen_sources or []} == set(FRAME.columns)
    assert hw.get(MlModel, "headwater.churn").algorithm == "RandomForestClassifier"
    hw.set_stage(spring, "production")
    other = make_pipeline(usual(), LogisticRegression()).fit(FRAME, TARGET)
    with pytest.raises(ConflictError):
        hw.sklearn_model("churn", other, FRAME, sources=shop)
    second = hw.sklearn_model("churn", other, FRAME, sources=shop, version=True)
    assert (second.name, second.number, second.algorithm) == ("2", 2, "LogisticRegression")
    assert hw.get(MlModel, "headwater.churn").algorithm == "RandomForestClassifier"
    with pytest.raises(AlreadyExistsError):
        hw.sklearn_model("churn", other, FRAME, sources=shop, version="spring")


def test_thousands_of_words_are_one_feature(hw: Headwater) -> None:
    texts = [f"word{number} word{number + 1}" for number in range(1500)]
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression())
    pipeline.fit(texts, [number % 2 for number in range(1500)])
    model = hw.sklearn_model("spam", pipeline, ["text"])
    assert [each.name for each in model.ml_features or []] == ["text (CountVectorizer)"]


def test_the_client_does_not_load_scikit_learn() -> None:
    code = "import headwater, sys; assert not {'sklearn', 'numpy', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
