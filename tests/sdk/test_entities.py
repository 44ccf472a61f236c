"""Reading and writing entities: what names them, pages, versions, bulk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AlreadyExistsError,
    ConflictError,
    CreateDatabaseSchema,
    CreateMlModel,
    CreateTable,
    DatabaseSchema,
    EntityReference,
    Headwater,
    InvalidInputError,
    MlModel,
    NotFoundError,
    Table,
)
from headwater.sdk.address import EntityLike
from tests.sdk.conftest import Recorder, add_customers


def add_model(hw: Headwater, name: str = "churn") -> MlModel:
    return hw.create_or_update(CreateMlModel(name=name, algorithm="RandomForest"))


def test_an_entity_is_found_by_every_way_to_name_it(hw: Headwater, customers: Table) -> None:
    reference = EntityReference(fullyQualifiedName="shop.main.raw.customers")
    typed = EntityReference(id=customers.id, type="table")
    names: list[EntityLike] = [customers, customers.id, "shop.main.raw.customers", reference, typed]
    for name in [*names, "table:shop.main.raw.customers"]:
        assert hw.get(Table, name) == customers
    assert hw.get(Table, id=customers.id) == customers
    for kind in ("table", "tables", "Table", CreateTable):
        assert hw.get(kind, customers.id) == customers


@pytest.mark.parametrize("name", ["a/b", "a.b", 'say "hi"', "a?b#c", "ü 🙂", "100%", ".."])
def test_names_that_urls_would_read_otherwise_are_found(hw: Headwater, name: str) -> None:
    made = add_model(hw, name)
    assert hw.get(MlModel, made.fully_qualified_name) == made


def test_find_returns_none_where_get_raises(hw: Headwater) -> None:
    assert hw.find(MlModel, "headwater.nope") is None
    with pytest.raises(NotFoundError):
        hw.get(MlModel, "headwater.nope")


def test_create_refuses_a_taken_name(hw: Headwater) -> None:
    add_model(hw)
    with pytest.raises(AlreadyExistsError):
        hw.create(CreateMlModel(name="churn", algorithm="XGBoost"))


def test_a_wire_form_is_written_like_a_request(hw: Headwater) -> None:
    made = hw.create({"name": "churn", "algorithm": "RandomForest"}, kind=MlModel)
    assert made == add_model(hw)


@pytest.mark.parametrize("wrong", ["nope", 3, Path])
def test_an_unknown_kind_is_refused_with_the_known_ones(hw: Headwater, wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="mlmodel"):
        hw.get(wrong, "x")


def test_an_entity_of_another_kind_is_refused(hw: Headwater, customers: Table) -> None:
    with pytest.raises(InvalidInputError, match="table"):
        hw.get(MlModel, customers)


def test_a_bare_name_resolves_when_one_kind_has_it(hw: Headwater, customers: Table) -> None:
    assert hw.resolve("shop.main.raw.customers") == customers
    assert hw.resolve(customers.id) == customers


def test_a_bare_name_of_two_kinds_lists_them(hw: Headwater) -> None:
    hw.create({"name": "twin"}, kind="databaseService")
    hw.create({"name": "twin"}, kind="mlmodelService")
    with pytest.raises(ConflictError) as caught:
        hw.resolve("twin")
    assert caught.value.details["candidates"] == ["databaseService:twin", "mlmodelService:twin"]


def test_list_goes_over_all_pages(hw: Headwater, wire: Recorder) -> None:
    for number in range(205):
        add_model(hw, f"m{number:03}")
    wire.methods()
    names = [model.name for model in hw.list(MlModel)]
    assert names == [f"m{number:03}" for number in range(205)]
    assert len(wire.methods()) == 3


def test_list_stops_at_its_limit(hw: Headwater, wire: Recorder) -> None:
    for number in range(5):
        add_model(hw, f"m{number}")
    wire.methods()
    assert [model.name for model in hw.list(MlModel, limit=2)] == ["m0", "m1"]
    assert len(wire.methods()) == 1
    assert list(hw.list(MlModel, limit=0)) == []


def test_list_takes_filters_and_rows_are_some_fields(hw: Headwater, customers: Table) -> None:
    for name in ("anna", "bob"):
        hw.create({"name": name}, kind="user")
    for number in range(120):
        owner = {"type": "user", "fullyQualifiedName": "anna" if number % 4 else "bob"}
        hw.create({"name": f"m{number:03}", "algorithm": "x", "owners": [owner]}, kind=MlModel)
    assert [model.name for model in hw.list(MlModel, owner="bob", limit=2)] == ["m000", "m004"]
    assert len([*hw.list("mlmodel", owner=["anna", "bob"])]) == 120
    assert len([*hw.list("mlmodel", owner="user:bob")]) == hw.search(owner="user:bob").total == 30
    assert [*hw.list("mlmodel", owner="team:bob")] == hw.search(owner="team:bob").hits == []
    assert [*hw.kind("table").list(service="shop", owner="anna")] == []
    assert [*hw.list(Table, service="shop")] == [customers]
    rows = [*hw.rows(MlModel, ["algorithm", "updated_at", "display_name"], owner="anna")]
    assert len(rows) == 90
    assert rows[0].keys() == {
        "id", "name", "fullyQualifiedName", "version", "algorithm", "updatedAt"
    }  # fmt: skip
    bare = next(hw.kind(Table).rows([], parent="shop.main.raw"))
    assert bare.keys() == {"id", "name", "fullyQualifiedName", "version"}
    with pytest.raises(InvalidInputError, match="no field 'nope'"):
        next(hw.rows(MlModel, ["nope"]))


def test_list_shows_the_children_of_a_parent(hw: Headwater, customers: Table) -> None:
    other = hw.create(CreateDatabaseSchema(name="other", database="shop.main"))
    hw.create(CreateTable(name="customers", databaseSchema="shop.main.other"))
    schema = hw.get(DatabaseSchema, "shop.main.raw")
    for parent in (schema, schema.id, "shop.main.raw", "databaseSchema:shop.main.raw"):
        assert list(hw.list(Table, parent=parent)) == [customers]
    assert [table.name for table in hw.list(Table, parent=other)] == ["customers"]


def test_a_deleted_entity_is_shown_on_request_and_comes_back(hw: Headwater) -> None:
    model = add_model(hw)
    deleted = hw.delete(model)
    assert deleted.deleted
    assert hw.find(MlModel, model) is None
    assert hw.get(MlModel, model, deleted=True) == deleted
    assert [*hw.list(MlModel)] == []
    assert [m.id for m in hw.list(MlModel, include="deleted")] == [model.id]
    assert hw.restore("mlmodel:headwater.churn").id == model.id
    assert not hw.get(MlModel, model).deleted


def test_delete_takes_what_is_below_only_when_told(hw: Headwater, customers: Table) -> None:
    with pytest.raises(ConflictError):
        hw.delete("databaseService:shop")
    hw.delete("databaseService:shop", recursive=True)
    assert hw.find(Table, customers) is None


def test_versions_come_newest_first_and_one_by_one(hw: Headwater) -> None:
    model = add_model(hw)
    model.description = "Who leaves"
    model = hw.update(model)
    model.algorithm = "XGBoost"
    model = hw.update(model)
    found = hw.versions(model)
    assert [each.version for each in found] == ["1.0", "0.2", "0.1"]
    assert hw.version(model, "0.2") == found[1]
    assert hw.version("mlmodel:headwater.churn", "0.1").algorithm == "RandomForest"
    with pytest.raises(NotFoundError):
        hw.version(model, "7.0")


def test_all_versions_are_read_when_there_are_many(hw: Headwater) -> None:
    model = add_model(hw)
    for number in range(104):
        model.description = str(number)
        model = hw.update(model)
    assert len(hw.versions(model)) == 105


def test_an_entity_is_read_as_of_a_past_commit(hw: Headwater) -> None:
    model = add_model(hw)
    before = [*hw.events()][-1]["sequence"]
    model.algorithm = "XGBoost"
    hw.update(model)
    assert hw.get(MlModel, model, as_of=before).algorithm == "RandomForest"


def test_a_diff_tells_what_was_added_updated_and_deleted(hw: Headwater) -> None:
    made = hw.create(CreateMlModel(name="churn", algorithm="A", target="left", license="MIT"))
    made.algorithm, made.target, made.description = "B", None, "Who leaves\nnext month"
    hw.update(made)
    diff = hw.diff(made, "0.1", "1.0")
    assert (diff.major, bool(diff)) == (True, True)
    assert [(each.name, each.old, each.new) for each in diff.updated] == [("algorithm", "A", "B")]
    assert str(diff).splitlines() == [
        "mlmodel headwater.churn 0.1 → 1.0 (major)",
        "  algorithm: A → B",
        "+ description: Who leaves next month",
        "- target: left",
    ]
    assert not hw.diff(made, "1.0", "1.0")


def test_bulk_counts_and_names_what_failed_across_chunks(hw: Headwater, customers: Table) -> None:
    good = [CreateTable(name=f"t{n:04}", databaseSchema="shop.main.raw") for n in range(600)]
    same = CreateTable(name="customers", databaseSchema="shop.main.raw")
    result = hw.bulk(Table, [*good, {"name": "lost", "databaseSchema": "no.such.schema"}, same])
    assert (result.created, result.updated, result.unchanged) == (600, 0, 1)
    assert [(each.index, each.name) for each in result.failed] == [(600, "lost")]
    assert result.failed[0].errors[0]["pointer"] == "/databaseSchema"
    assert [table.name for table in result.entities[-2:]] == ["t0599", "customers"]
    assert customers == result.entities[-1]


def test_bulk_writes_what_stands_beside_requests_beyond_a_limit(hw: Headwater) -> None:
    deep: list[Any] = []
    for _ in range(70):
        deep = [deep]
    values = [1, deep, 2, float("nan"), 3, 4, "x" * 10_000_000, 5]
    requests = [
        {"name": f"m{n}", "algorithm": "A", "mlHyperParameters": [{"name": "p", "value": value}]}
        for n, value in enumerate(values)
    ]
    result = hw.bulk(MlModel, requests)
    assert [entity.name for entity in result.entities] == ["m0", "m2", "m4", "m5", "m7"]
    assert [(failure.index, failure.code) for failure in result.failed] == [
        (1, "invalid-input"),
        (3, "invalid-input"),
        (6, "too-large"),
    ]
    assert result.failed[1].errors[0]["pointer"] == "/mlHyperParameters/0/value"


def test_bulk_raises_what_no_request_is_to_blame_for(hw: Headwater) -> None:
    requests = [{"name": f"m{n}", "algorithm": "A"} for n in range(3)]
    with pytest.raises(InvalidInputError):
        hw.as_producer("x" * 1000).bulk(MlModel, requests)
    assert [*hw.list(MlModel)] == []


def test_events_are_read_on_from_a_number(hw: Headwater) -> None:
    add_model(hw)
    last = [*hw.events()][-1]
    add_model(hw, "second")
    news = [*hw.events(after=last["number"])]
    assert [event["entity"]["fullyQualifiedName"] for event in news] == ["headwater.second"]
    assert [*hw.events(limit=1)] == [*hw.events()][:1]


def test_one_client_serves_many_threads(server_url: str) -> None:
    with Headwater(server_url) as hw, ThreadPoolExecutor(8) as pool:
        names = [f"threads{number}" for number in range(40)]
        made = [*pool.map(lambda name: add_model(hw, name), names)]
        assert [*pool.map(lambda model: hw.get(MlModel, model), made)] == made


def test_a_store_opened_by_path_keeps_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "100% ours.db"
    for _ in range(2):
        with Headwater.open(file) as hw:
            add_customers(hw)
    with Headwater.open(str(file)) as hw:
        assert hw.get(Table, "shop.main.raw.customers").version == "0.1"
    assert [path.name for path in tmp_path.iterdir()] == ["100% ours.db"]


def test_a_producer_writes_as_a_bot_of_its_name(tmp_path: Path) -> None:
    with Headwater.open(tmp_path / "headwater.db", producer="crawler") as hw:
        add_model(hw)
        assert [*hw.events()][-1]["producer"] == "crawler"
        with pytest.raises(InvalidInputError):
            hw.as_producer("two\nlines")
