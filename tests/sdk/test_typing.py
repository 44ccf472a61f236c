"""What type checkers see: mypy reads these assertions when it checks the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_type

from headwater import (
    BulkResult,
    CreateMlModel,
    CreateTable,
    EntityReference,
    Headwater,
    MlModel,
    Table,
)


def test_answers_have_the_class_that_was_asked_for(hw: Headwater, customers: Table) -> None:
    model = assert_type(hw.create(CreateMlModel(name="churn", algorithm="A")), MlModel)
    assert_type(hw.create_or_update(CreateMlModel(name="churn", algorithm="A")), MlModel)
    assert_type(hw.create_or_update(model_in_wire_form(), kind=MlModel), MlModel)
    assert_type(hw.get(MlModel, model), MlModel)
    assert_type(hw.find(MlModel, id=model.id), MlModel | None)
    assert_type(hw.list(Table), Iterator[Table])
    assert_type(hw.update(model), MlModel)
    assert_type(hw.versions(model), Sequence[MlModel])
    assert_type(hw.version(model, "0.1"), MlModel)
    request = CreateTable(name="t", databaseSchema="shop.main.raw")
    assert_type(hw.bulk(Table, [request]), BulkResult[Table])
    assert_type(hw.delete(customers), Table)
    assert_type(hw.restore(customers), Table)


def test_names_alone_promise_no_class(hw: Headwater) -> None:
    model = hw.create(CreateMlModel(name="churn", algorithm="A"))
    reference = EntityReference(id=model.id, type="mlmodel")
    assert assert_type(hw.get("mlmodel", model.id), Any) == model
    assert assert_type(hw.version(reference, "0.1"), Any) == model
    assert assert_type(hw.resolve("mlmodel:headwater.churn"), Any) == model


def model_in_wire_form() -> dict[str, Any]:
    return {"name": "churn", "algorithm": "A"}
