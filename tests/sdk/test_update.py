"""``update``: it sends what was changed and nothing else, and never writes over others."""

from __future__ import annotations

import copy
import json

import pytest

from headwater import (
    CreateMlModel,
    CreateTable,
    FeatureSource,
    Headwater,
    InvalidInputError,
    MlFeature,
    MlModel,
    PreconditionError,
    Table,
)
from tests.sdk.conftest import Recorder


@pytest.fixture
def model(hw: Headwater, customers: Table) -> MlModel:
    sources = [
        FeatureSource(name=n, dataSource=customers.fully_qualified_name) for n in ("age", "city")
    ]
    features = [MlFeature(name="persona", featureSources=sources), MlFeature(name="tenure")]
    return hw.create(CreateMlModel(name="churn", algorithm="RandomForest", mlFeatures=features))


def last_patch(wire: Recorder) -> list[dict[str, object]]:
    request = wire.sent[-1]
    assert request.method == "PATCH"
    assert request.headers["content-type"] == "application/json-patch+json"
    found: list[dict[str, object]] = json.loads(request.content)
    return found


def test_nothing_changed_sends_nothing(hw: Headwater, model: MlModel, wire: Recorder) -> None:
    wire.methods()
    assert hw.update(model) is model
    model.algorithm = "RandomForest"
    hw.update(model)
    assert wire.methods() == []


def test_only_the_change_is_sent(hw: Headwater, model: MlModel, wire: Recorder) -> None:
    model.algorithm = "XGBoost"
    assert hw.update(model).version == "1.0"
    assert last_patch(wire) == [{"op": "replace", "path": "/algorithm", "value": "XGBoost"}]
    assert wire.sent[-1].headers["if-match"] == '"1"'


def test_elements_of_keyed_lists_are_patched_one_by_one(
    hw: Headwater, model: MlModel, wire: Recorder
) -> None:
    assert model.ml_features
    persona, tenure = model.ml_features
    assert persona.feature_sources
    del persona.feature_sources[0]
    persona.feature_sources[0].description = "where they live"
    tenure.name = "age"
    model.license = "MIT"
    now = hw.update(model)
    assert [each["path"] for each in last_patch(wire)] == [
        "/mlFeatures/1",
        "/mlFeatures/0/featureSources/0",
        "/mlFeatures/0/featureSources/0/description",
        "/mlFeatures/-",
        "/license",
    ]
    assert now.ml_features
    assert [feature.name for feature in now.ml_features] == ["persona", "age"]


def test_sources_of_one_name_are_told_apart_by_their_table(
    hw: Headwater, model: MlModel, wire: Recorder
) -> None:
    orders = hw.create(CreateTable(name="orders", databaseSchema="shop.main.raw"))
    assert model.ml_features
    sources = model.ml_features[0].feature_sources
    assert sources
    sources.append(FeatureSource(name="age", dataSource=orders.fully_qualified_name))
    model = hw.update(model)
    assert model.ml_features
    assert model.ml_features[0].feature_sources
    model.ml_features[0].feature_sources[2].description = "of the order"
    hw.update(model)
    path = "/mlFeatures/0/featureSources/2/description"
    assert last_patch(wire) == [{"op": "add", "path": path, "value": "of the order"}]


def test_columns_keep_the_order_that_they_are_given(hw: Headwater, customers: Table) -> None:
    assert customers.columns
    customers.columns.reverse()
    hw.update(customers)
    found = hw.get(Table, customers).columns
    assert found
    assert [column.name for column in found] == ["city", "age"]


def test_a_lost_race_tells_what_is_there_now(hw: Headwater, model: MlModel) -> None:
    other = hw.get(MlModel, model)
    other.description = "theirs"
    hw.update(other)
    model.license = "MIT"
    with pytest.raises(PreconditionError) as caught:
        hw.update(model)
    current = caught.value.details["current"]
    assert current.description == "theirs"
    current.license = "MIT"
    merged = hw.update(current)
    assert (merged.description, merged.license) == ("theirs", "MIT")


def test_an_entity_from_a_list_is_updated_unless_it_is_stale(hw: Headwater, model: MlModel) -> None:
    first, second = next(hw.list(MlModel)), next(hw.list(MlModel))
    first.license = "MIT"
    assert hw.update(first).license == "MIT"
    second.license = "BSD"
    with pytest.raises(PreconditionError) as caught:
        hw.update(second)
    assert caught.value.details["current"].license == "MIT"


def test_a_copy_remembers_what_was_read(hw: Headwater, model: MlModel) -> None:
    changed = model.model_copy(update={"license": "MIT"})
    assert hw.update(changed).license == "MIT"
    assert hw.update(copy.deepcopy(hw.get(MlModel, model))).license == "MIT"


def test_what_was_not_read_cannot_be_updated(hw: Headwater, model: MlModel) -> None:
    with pytest.raises(InvalidInputError, match="not read"):
        hw.update(MlModel.model_validate(model.to_wire()))


def test_a_refused_change_names_its_place(hw: Headwater, model: MlModel) -> None:
    assert model.ml_features
    model.ml_features[1].name = "persona"
    with pytest.raises(InvalidInputError) as caught:
        hw.update(model)
    assert caught.value.errors[0]["pointer"].startswith("/mlFeatures")


def test_what_a_newer_server_adds_is_neither_seen_nor_removed(
    hw: Headwater, model: MlModel, wire: Recorder
) -> None:
    from headwater.sdk.memory import parse

    raw = {**model.to_wire(), "brandNew": 1}
    raw["mlFeatures"][0]["brandNew"] = 2
    read = parse(MlModel, raw, rev="1")
    assert read == model
    read.license = "MIT"
    hw.update(read)
    assert last_patch(wire) == [{"op": "add", "path": "/license", "value": "MIT"}]
