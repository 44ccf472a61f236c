"""Names that change, versions that return, fields handed back, writes looked at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import (
    AlreadyExistsError,
    ConflictError,
    CreateMlModel,
    Headwater,
    InvalidInputError,
    MlModel,
    NotFoundError,
    Table,
)
from headwater.sdk.bulk import MOST_PREVIEWED
from tests.sdk.conftest import Recorder, add_customers


def test_a_renamed_entity_is_found_by_its_new_name(hw: Headwater, customers: Table) -> None:
    renamed = hw.rename(customers, "clients")
    assert renamed.fully_qualified_name == "shop.main.raw.clients"
    assert renamed.id == customers.id
    assert hw.rename("databaseService:shop", "store").name == "store"
    assert hw.get(Table, "store.main.raw.clients").id == customers.id
    with pytest.raises(NotFoundError):
        hw.get(Table, "shop.main.raw.customers")


def test_a_taken_name_is_refused(hw: Headwater) -> None:
    made = [hw.create(CreateMlModel(name=name, algorithm="Forest")) for name in ("one", "two")]
    with pytest.raises(AlreadyExistsError):
        hw.rename(made[0], "two")


def test_revert_writes_a_new_version_with_the_old_values(hw: Headwater) -> None:
    first = hw.create(CreateMlModel(name="churn", algorithm="Forest"))
    second = hw.create_or_update(CreateMlModel(name="churn", algorithm="Boost"))
    third = hw.revert(second, first.version)
    assert third.algorithm == "Forest"
    assert [each.version for each in hw.versions(third)] == [
        third.version,
        second.version,
        first.version,
    ]
    with pytest.raises(NotFoundError):
        hw.revert("mlmodel:headwater.churn", "9.9")


def test_a_released_field_is_a_connector_s_again(hw: Headwater) -> None:
    bot = hw.as_producer("nightly")
    request = CreateMlModel(name="churn", algorithm="Forest", description="by a machine")
    model = bot.create_or_update(request)
    model.description = "by a person"
    model = hw.update(model)
    assert bot.create_or_update(request).description == "by a person"
    hw.release(model, "description")
    kinds = {each["field"]: each["kind"] for each in hw.provenance(model)}
    assert kinds == {"": "bot", "description": "released"}
    assert bot.create_or_update(request).description == "by a machine"


def test_a_preview_says_what_bulk_would_do_and_writes_nothing(hw: Headwater) -> None:
    hw.create(CreateMlModel(name="old", algorithm="Forest"))
    requests = [
        CreateMlModel(name="old", algorithm="Boost"),
        {"name": "new", "algorithm": "Forest"},
        {"algorithm": "Forest"},
    ]
    found = hw.preview(MlModel, requests)
    assert [(each["index"], each["action"]) for each in found] == [
        (0, "update"),
        (1, "create"),
        (2, "fail"),
    ]
    assert found[0]["fieldsUpdated"][0]["name"] == "algorithm"
    assert [model.name for model in hw.list(MlModel)] == ["old"]


def test_previews_of_many_requests_keep_their_places(hw: Headwater, wire: Recorder) -> None:
    requests = [{"name": f"m{n}", "algorithm": "A"} for n in range(MOST_PREVIEWED + 1)]
    found = hw.preview("mlmodel", requests)
    assert [each["index"] for each in found] == list(range(MOST_PREVIEWED + 1))
    assert wire.methods() == ["PUT", "PUT"]


def test_a_preview_counts_what_stands_far_apart_once(hw: Headwater) -> None:
    requests = [{"name": f"m{n % 600}", "algorithm": "A"} for n in range(1200)]
    actions = [each["action"] for each in hw.preview("mlmodel", requests)]
    assert actions == ["create"] * 600 + ["none"] * 600


def test_what_is_erased_by_force_is_in_no_file(tmp_path: Path) -> None:
    word = "Xq7Palimpsest"
    with Headwater.open(tmp_path / "headwater.db") as hw:
        table = add_customers(hw)
        for text in (word, f"{word} again", "gone"):
            table.description = text
            table = hw.update(table)
            assert hw.search("customers").total
        column = {"name": "age", "dataSource": {"id": str(table.id), "type": "table"}}
        features = [{"name": word, "dataType": "numerical", "featureSources": [column]}]
        model = {"name": "churn", "algorithm": "Forest", "mlFeatures": features}
        hw.create_or_update(model, kind="mlmodel")
        hw.erase(table, force=True)
        hw.erase("mlmodel:headwater.churn")
        for path in tmp_path.iterdir():
            assert word.encode() not in path.read_bytes(), path.name
            assert word.lower().encode() not in path.read_bytes(), path.name


def test_what_is_erased_is_gone_with_its_versions(hw: Headwater) -> None:
    model = hw.create(CreateMlModel(name="churn", algorithm="Forest"))
    hw.delete(model)
    assert hw.erase("headwater.churn", kind=MlModel).id == model.id
    assert hw.find(MlModel, id=model.id, deleted=True) is None
    with pytest.raises(NotFoundError):
        hw.versions(model)


def test_erasing_says_what_stands_in_its_way(hw: Headwater, customers: Table) -> None:
    with pytest.raises(ConflictError):
        hw.erase("databaseService:shop")
    hw.erase("databaseService:shop", recursive=True)
    assert hw.find(Table, id=customers.id, deleted=True) is None


def test_a_bare_name_means_the_one_entity_that_has_it(hw: Headwater, customers: Table) -> None:
    assert hw.resolve("shop.main.raw.customers") == customers
    assert hw.resolve(customers.id) == customers
    with pytest.raises(NotFoundError, match="entity"):
        hw.resolve("shop.main.raw.customers.age")
    with pytest.raises(InvalidInputError, match="not the kind of an entity"):
        hw.resolve("column:shop.main.raw.customers.age")
    hw.delete(customers)
    with pytest.raises(NotFoundError):
        hw.resolve("shop.main.raw.customers")
    assert hw.resolve("shop.main.raw.customers", deleted=True).id == customers.id
    hw.create({"name": "shop"}, kind="mlmodelService")
    with pytest.raises(ConflictError) as failed:
        hw.resolve("shop")
    assert failed.value.details["candidates"] == ["databaseService:shop", "mlmodelService:shop"]
