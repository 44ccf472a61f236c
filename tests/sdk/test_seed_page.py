"""The example of the seed page, as it stands there, over every way to reach a catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headwater import (
    CreateMlModel,
    EntityReference,
    FeatureSource,
    FeatureSourceDataType,
    FeatureType,
    Headwater,
    MlFeature,
)
from tests.sdk.conftest import add_customers
from tests.sdk.server import running_server

on_neo4j = pytest.param("neo4j", marks=pytest.mark.neo4j)


@contextmanager
def over_http(store: str) -> Iterator[Headwater]:
    with running_server(store) as url, Headwater(url) as hw:
        yield hw


@pytest.mark.parametrize("reach", [over_http, Headwater.open], ids=["http", "in process"])
@pytest.mark.parametrize("engine", ["sqlite", on_neo4j])
def test_the_example_of_the_page_runs(
    engine: str, reach: type[Headwater], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = f"sqlite:///{tmp_path / 'headwater.db'}"
    store = file if engine == "sqlite" else request.getfixturevalue("neo4j_url")
    with reach(store) as hw:
        customers = add_customers(hw)

        model = hw.create_or_update(
            CreateMlModel(
                name="churn",
                algorithm="RandomForest",
                mlFeatures=[
                    MlFeature(
                        name="persona",
                        dataType=FeatureType.categorical,
                        featureAlgorithm="PCA",
                        featureSources=[
                            FeatureSource(
                                name="age",
                                dataType=FeatureSourceDataType.integer,
                                dataSource=EntityReference(id=customers.id, type="table"),
                            ),
                            FeatureSource(name="city", dataType=FeatureSourceDataType.string),
                        ],
                    )
                ],
            )
        )
        hw.add_mlmodel_lineage(model=model)
        first = model.version
        model.algorithm = "XGBoost"
        model = hw.update(model)

        assert (first, model.version) == ("0.1", "1.0")
        assert hw.lineage(model, upstream=3).tree().splitlines() == [
            "mlmodel headwater.churn",
            "├── upstream, made from:",
            "│   └── table shop.main.raw.customers",
            "└── downstream: nothing",
        ]
        assert str(hw.diff(model, "0.1", "1.0")).splitlines() == [
            "mlmodel headwater.churn 0.1 → 1.0 (major)",
            "  algorithm: RandomForest → XGBoost",
        ]
        impact = hw.impact("shop.main.raw.customers.age")
        assert [each.fully_qualified_name for each in impact.models] == ["headwater.churn"]


def test_both_spellings_of_arguments_make_the_same_request() -> None:
    as_on_the_page = MlFeature(
        name="persona",
        dataType=FeatureType.categorical,
        featureSources=[FeatureSource(name="city", dataType=FeatureSourceDataType.string)],
    )
    as_in_python = MlFeature(
        name="persona",
        data_type=FeatureType.categorical,
        feature_sources=[FeatureSource(name="city", data_type=FeatureSourceDataType.string)],
    )
    assert as_on_the_page == as_in_python
    assert as_on_the_page.feature_sources == as_on_the_page.featureSources
