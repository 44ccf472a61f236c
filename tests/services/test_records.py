"""Records: appended, never a version; followers and votes are records of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.record import RecordService
from headwater.errors import InvalidInputError, NotFoundError
from headwater.store import Store
from tests.services.shop import BOT, ME, Shop


@pytest.fixture
def records(store: Store, catalog: CatalogService) -> RecordService:
    return RecordService(store, catalog)


@pytest.fixture
def model(shop: Shop) -> str:
    return shop.model().id


def values(found: Any) -> list[float]:
    return [json.loads(each.data)["value"] for each in found]


def test_metrics_are_listed_newest_first_and_make_no_version(
    store: Store, catalog: CatalogService, records: RecordService, model: str
) -> None:
    before = catalog.get("mlmodel", model)
    events = store.events(limit=1000)
    for value in (0.7, 0.8, 0.9):
        records.append(
            "mlmodel", model, "metric", {"key": "auc", "data": {"value": value}}, actor=BOT
        )
    records.append("mlmodel", model, "metric", {"key": "f1", "data": {"value": 0.5}}, actor=BOT)
    assert values(records.list("mlmodel", model, "metric", record_key="auc")) == [0.9, 0.8, 0.7]
    assert values(records.list("mlmodel", model, "metric", latest=True)) == [0.5, 0.9]
    assert catalog.get("mlmodel", model) == before
    assert store.events(limit=1000) == events


def test_many_records_are_appended_at_once_or_not_at_all(
    store: Store, records: RecordService, model: str
) -> None:
    body = [{"key": "auc", "at": n, "data": {"value": n}} for n in range(3)]
    made = records.append("mlmodel", model, "metric", body, actor=ME)
    assert [each["at"] for each in made] == [0, 1, 2]
    before = store.sequence()
    with pytest.raises(InvalidInputError) as caught:
        records.append("mlmodel", model, "metric", [*body, {"data": {"value": "x"}}], actor=ME)
    assert caught.value.errors[0]["pointer"] == "/3/data/value"
    assert store.sequence() == before


def test_records_are_paged_and_read_as_of(store: Store, records: RecordService, model: str) -> None:
    for number in range(5):
        records.append("mlmodel", model, "usage", {"data": {"value": number}}, actor=ME)
    then = store.sequence()
    records.append("mlmodel", model, "usage", {"data": {"value": 5}}, actor=ME)
    first = records.list("mlmodel", model, "usage", limit=2)
    rest = records.list("mlmodel", model, "usage", before=first[-1].number, limit=10)
    assert values([*first, *rest]) == [5, 4, 3, 2, 1, 0]
    assert values(records.list("mlmodel", model, "usage", as_of=then, limit=1)) == [4]


@pytest.mark.parametrize(
    "body",
    [
        "text",
        [],
        {"at": "now"},
        {"at": True},
        {"at": 2**60},
        {"key": 7},
        {"data": []},
        {"more": 1},
        {"key": "k" * 257},
    ],
)
def test_what_is_no_record_is_refused(records: RecordService, model: str, body: Any) -> None:
    with pytest.raises(InvalidInputError):
        records.append("mlmodel", model, "usage", body, actor=ME)


@pytest.mark.parametrize(
    "type_", ["lifecycle", "follower", "token", "tombstone", "Metric", "", "a-b"]
)
def test_types_that_others_write_are_refused(
    records: RecordService, model: str, type_: str
) -> None:
    with pytest.raises(InvalidInputError):
        records.append("mlmodel", model, type_, {"data": {}}, actor=ME)


def test_what_is_put_again_is_appended_only_where_it_differs(
    store: Store, shop: Shop, records: RecordService, model: str
) -> None:
    other = {"type": "mlmodel", "fullyQualifiedName": shop.model("other").fqn}

    def put(**data: float) -> dict[str, int]:
        said = [
            {"entity": entity, "type": "metric", "key": key, "at": 5, "data": {"value": value}}
            for entity in ({"type": "mlmodel", "id": model}, other)
            for key, value in data.items()
        ]
        return records.put(said, actor=BOT)

    before = store.sequence()
    assert put(auc=0.7, f1=0.5) == {"appended": 4, "unchanged": 0}
    assert store.sequence() == before + 1
    assert put(auc=0.7, f1=0.5) == {"appended": 0, "unchanged": 4}
    assert put(auc=0.8, f1=0.5) == {"appended": 2, "unchanged": 2}
    assert values(records.list("mlmodel", model, "metric", record_key="auc")) == [0.8, 0.7]
    said = {"entity": other, "type": "metric", "key": "auc", "data": {"value": 0.8}}
    assert records.put([said, said], actor=BOT) == {"appended": 0, "unchanged": 2}
    assert records.put([{**said, "at": 6}], actor=BOT) == {"appended": 1, "unchanged": 0}


def test_records_put_are_all_written_or_none(
    store: Store, shop: Shop, records: RecordService, model: str
) -> None:
    fine = {"entity": {"type": "mlmodel", "id": model}, "type": "usage"}
    gone = shop.model("gone")
    shop.catalog.delete("mlmodel", gone.id, actor=ME)
    before = store.sequence()
    for fault, pointer in (
        ({"entity": {"type": "mlmodel", "id": gone.id}}, "/1/entity"),
        ({"entity": {"type": "mlmodel", "fullyQualifiedName": "no.such"}}, "/1/entity"),
        ({"entity": {"type": "mlmodel"}}, "/1/entity"),
        ({"entity": {"id": model}}, "/1/entity"),
        ({"type": "lifecycle"}, "/1/type"),
        ({"type": 7}, "/1/type"),
        ({"at": "now"}, "/1/at"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            records.put([fine, {**fine, **fault}], actor=ME)
        assert caught.value.errors[0]["pointer"] == pointer
    for body in ([], "text", fine, [fine] * 1001):
        with pytest.raises(InvalidInputError):
            records.put(body, actor=ME)
    assert store.sequence() == before


def test_records_of_what_is_not_there_are_refused(records: RecordService) -> None:
    with pytest.raises(NotFoundError):
        records.append("mlmodel", ("mlmodel", "headwater.none"), "usage", {}, actor=ME)


def test_secrets_are_not_shown(records: RecordService, model: str) -> None:
    with pytest.raises(InvalidInputError):
        records.list("mlmodel", model, "token")


def test_users_follow_and_vote(
    store: Store, catalog: CatalogService, records: RecordService, model: str
) -> None:
    for name in ("ann", "bob"):
        catalog.put("user", {"name": name}, actor=ME)
        records.follow("mlmodel", model, name, actor=ME)
        records.vote("mlmodel", model, name, "up", actor=ME)
    assert [each.fqn for each in records.followers("mlmodel", model)] == ["ann", "bob"]
    before = store.sequence()
    records.follow("mlmodel", model, "ann", actor=ME)
    assert store.sequence() == before
    records.follow("mlmodel", model, "ann", following=False, actor=ME)
    records.vote("mlmodel", model, "bob", "down", actor=ME)
    assert [each.fqn for each in records.followers("mlmodel", model)] == ["bob"]
    assert records.votes("mlmodel", model) == {"up": 1, "down": 1}
    records.vote("mlmodel", model, "ann", "none", actor=ME)
    assert records.votes("mlmodel", model) == {"up": 0, "down": 1}
    catalog.erase("user", ("user", "bob"), actor=ME)
    assert records.votes("mlmodel", model) == {"up": 0, "down": 0}
    with pytest.raises(InvalidInputError):
        records.vote("mlmodel", model, "bob", "maybe", actor=ME)
    with pytest.raises(NotFoundError):
        records.follow("mlmodel", model, "nobody", actor=ME)
