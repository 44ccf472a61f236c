"""Entities, versions and history, through the catalog service."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService, Written
from headwater.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PreconditionError,
)
from headwater.schemas import kind
from headwater.store import Store
from tests.services.shop import BOT, ME, Shop

ID = "018f0000-0000-7000-8000-000000000000"


def doc(written: Written) -> dict[str, Any]:
    """The document that a write left."""
    document: dict[str, Any] = json.loads(written.document)
    return document


def test_a_model_needs_only_name_and_algorithm(catalog: CatalogService) -> None:
    model = doc(catalog.create("mlmodel", {"name": "churn", "algorithm": "RF"}, actor=ME))
    assert model["version"] == "0.1"
    assert model["fullyQualifiedName"] == "headwater.churn"
    assert model["service"]["name"] == "headwater"
    assert "changeDescription" not in model


def test_minor_versions_never_carry(catalog: CatalogService) -> None:
    catalog.create("mlmodel", {"name": "m", "algorithm": "RF"}, actor=ME)
    seen = [
        catalog.put("mlmodel", {"name": "m", "algorithm": "RF", "description": str(n)}, actor=ME)
        for n in range(10)
    ]
    assert [each.version for each in seen][-3:] == ["0.9", "0.10", "0.11"]


@pytest.mark.parametrize(
    ("field", "value"), [("algorithm", "XGBoost"), ("server", "http://s/"), ("target", "left")]
)
def test_algorithm_server_and_target_are_major(
    catalog: CatalogService, field: str, value: str
) -> None:
    base = {"name": "m", "algorithm": "RF", "description": "a"}
    catalog.put("mlmodel", base, actor=ME)
    assert catalog.put("mlmodel", {**base, "description": "b"}, actor=ME).version == "0.2"
    assert catalog.put("mlmodel", {**base, field: value}, actor=ME).version == "1.0"
    assert catalog.put("mlmodel", {**base, field: value, "license": "x"}, actor=ME).version == "1.1"


def test_replacing_a_placeholder_algorithm_is_minor(catalog: CatalogService) -> None:
    catalog.put("mlmodel", {"name": "m", "algorithm": "unknown"}, actor=ME)
    assert catalog.put("mlmodel", {"name": "m", "algorithm": "RF"}, actor=ME).version == "0.2"


def test_a_dropped_or_retyped_column_is_major_and_an_added_one_is_not(
    catalog: CatalogService, shop: Shop
) -> None:
    assert shop.table("t", "a", "b").version == "0.1"
    assert shop.table("t", "a", "b", "c").version == "0.2"
    assert shop.table("t", "a", "c").version == "1.0"
    retyped = [{"name": "a", "dataType": "BIGINT"}, {"name": "c", "dataType": "INT"}]
    body = {"name": "t", "databaseSchema": shop.schema, "columns": retyped}
    assert catalog.put("table", body, actor=ME).version == "2.0"


def test_a_write_without_change_makes_nothing(store: Store, shop: Shop) -> None:
    shop.table("t", "a")
    first = shop.model(features={"age": ["t.a", "t.nowhere", "loose"]})
    before = (store.sequence(), len(store.events(limit=1000)))
    again = shop.model(features={"age": ["t.a", "t.nowhere", "loose"]})
    assert not again.changed
    assert again.document == first.document
    assert (store.sequence(), len(store.events(limit=1000))) == before


def test_change_description_reaches_nested_elements(shop: Shop) -> None:
    shop.table("t", "a", "b")
    shop.model(features={"persona": ["t.a"]})
    change = doc(shop.model(features={"persona": ["t.b"], "x.y": []}))["changeDescription"]
    assert change["previousVersion"] == "0.1"
    assert [c["name"] for c in change["fieldsAdded"]] == [
        "mlFeatures.persona.featureSources.b",
        'mlFeatures."x.y"',
    ]
    assert [c["name"] for c in change["fieldsDeleted"]] == ["mlFeatures.persona.featureSources.a"]
    assert {c["changedBy"] for c in change["fieldsAdded"]} == {"local"}


def test_history_diff_and_versions(catalog: CatalogService) -> None:
    made = catalog.put("mlmodel", {"name": "m", "algorithm": "RF"}, actor=ME)
    catalog.patch("mlmodel", made.id, {"description": "words"}, actor=ME)
    catalog.patch("mlmodel", made.id, {"algorithm": "XGB"}, actor=ME)
    assert [v.version for v in catalog.versions("mlmodel", made.id)] == ["1.0", "0.2", "0.1"]
    assert json.loads(catalog.get_version("mlmodel", made.id, "0.1").document)["algorithm"] == "RF"
    diff = catalog.diff("mlmodel", made.id, "0.1", "1.0")
    assert diff["major"] is True
    assert diff["fieldsUpdated"] == [{"name": "algorithm", "oldValue": "RF", "newValue": "XGB"}]
    assert diff["fieldsAdded"] == [{"name": "description", "newValue": "words"}]
    back = catalog.diff("mlmodel", made.id, "1.0", "0.1")
    assert [c["name"] for c in back["fieldsDeleted"]] == ["description"]
    with pytest.raises(NotFoundError, match=r"no version '7.7'; the newest is 1.0"):
        catalog.get_version("mlmodel", made.id, "7.7")


def test_put_merges_null_removes_and_lists_are_complete(catalog: CatalogService) -> None:
    base = {"name": "m", "algorithm": "RF"}
    parameters = [{"name": "depth", "value": 3, "description": "how deep"}, {"name": "n"}]
    catalog.put("mlmodel", {**base, "license": "MIT", "mlHyperParameters": parameters}, actor=ME)
    kept = doc(catalog.put("mlmodel", {**base, "description": "d"}, actor=ME))
    assert kept["license"] == "MIT"
    changed = {**base, "license": None, "mlHyperParameters": [{"name": "depth", "value": 4}]}
    merged = doc(catalog.put("mlmodel", changed, actor=ME))
    assert "license" not in merged
    deeper = {"name": "depth", "value": 4, "description": "how deep"}
    assert merged["mlHyperParameters"] == [deeper]


def test_null_removes_below_the_top_level_too(catalog: CatalogService, shop: Shop) -> None:
    column = {"name": "a", "dataType": "INT", "description": "years", "precision": 3}
    body = {"name": "t", "databaseSchema": shop.schema, "columns": [column]}
    catalog.put("table", body, actor=BOT)
    body["columns"] = [{"name": "a", "dataType": "INT", "description": None, "scale": None}]
    left = doc(catalog.put("table", body, actor=BOT))["columns"][0]
    assert "description" not in left
    assert "scale" not in left
    assert left["precision"] == 3


def test_a_bot_keeps_what_people_wrote(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "a", actor=BOT)
    words = [{"op": "add", "path": "/columns/0/description", "value": "years"}]
    catalog.patch("table", ("table", f"{shop.schema}.t"), words, actor=ME)
    body = {
        "name": "t",
        "databaseSchema": shop.schema,
        "columns": [{"name": "a", "dataType": "INT", "description": "machine's"}],
    }
    assert doc(catalog.put("table", body, actor=BOT))["columns"][0]["description"] == "years"


def test_each_writer_owns_its_own_elements(catalog: CatalogService) -> None:
    base = {"name": "m", "algorithm": "RF"}
    mine, bots = [{"name": "mine"}], [{"name": "found"}]
    catalog.put("mlmodel", {**base, "mlFeatures": mine}, actor=ME)
    catalog.put("mlmodel", {**base, "mlFeatures": bots}, actor=BOT)
    left = doc(catalog.put("mlmodel", {**base, "mlFeatures": []}, actor=BOT))
    assert [f["name"] for f in left["mlFeatures"]] == ["mine"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "m"}, "/algorithm"),
        ({"name": "m", "algorithm": 1}, "/algorithm"),
        ({"name": "m", "algorithm": "a", "colour": "red"}, "/colour"),
        ({"name": "", "algorithm": "a"}, "/name"),
        ({"name": "a\nb", "algorithm": "a"}, "/name"),
        ({"name": "m", "algorithm": "a", "service": "nowhere"}, "/service"),
        ({"name": "m", "algorithm": "a", "service": {"type": "table", "id": "x"}}, "/service/id"),
        ({"name": "m", "algorithm": "a", "service": {}}, "/service"),
        ({"name": "m", "algorithm": "a", "mlFeatures": [{"name": "f"}, {"name": "f"}]},
         "/mlFeatures/1/name"),
        ({"name": "m", "algorithm": "a", "mlFeatures": [{"name": "f", "dataType": "odd"}]},
         "/mlFeatures/0/dataType"),
        ({"name": "m", "algorithm": "a",
          "mlFeatures": [{"name": "f", "featureSources": [{"name": "s", "dataSource": "no.t"}]}]},
         "/mlFeatures/0/featureSources/0/dataSource"),
        ([], ""),
        ("text", ""),
    ],
)  # fmt: skip
def test_a_bad_request_names_the_place(catalog: CatalogService, body: Any, pointer: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        catalog.put("mlmodel", body, actor=ME)
    assert pointer in [fault["pointer"] for fault in caught.value.details["errors"]]


def test_a_secret_in_a_connection_is_refused(catalog: CatalogService) -> None:
    body = {"name": "pg", "connection": {"host": "h", "auth": {"password": "hunter2"}}}
    with pytest.raises(InvalidInputError, match="/connection/auth/password"):
        catalog.put("databaseService", body, actor=ME)
    body["connection"] = {"host": "h", "auth": {"password": "env:PG"}}
    catalog.put("databaseService", body, actor=ME)


def test_names_of_any_script_and_punctuation_make_distinct_fqns(catalog: CatalogService) -> None:
    names = ["a.b", 'say "hi"', "naïve/Über 🚰", "..", "x" * 256, "a:b", " a "]
    made = [catalog.create("mlmodel", {"name": n, "algorithm": "a"}, actor=ME) for n in names]
    assert len({each.fqn for each in made}) == len(names)
    for name, each in zip(names, made, strict=True):
        assert json.loads(catalog.get("mlmodel", ("mlmodel", each.fqn)).document)["name"] == name
    decomposed = {"name": "nai\u0308ve/U\u0308ber 🚰", "algorithm": "a"}
    with pytest.raises(AlreadyExistsError):
        catalog.create("mlmodel", decomposed, actor=ME)


def test_blank_names_are_those_of_columns_alone(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", " ", "c")
    for name in (" ", "\u2003\u3000", "\u200b", "\u2060 \ufeff"):
        with pytest.raises(InvalidInputError, match="blanks alone"):
            shop.table(name, "c")
        with pytest.raises(InvalidInputError, match="blanks alone"):
            catalog.rename("table", ("table", f"{shop.schema}.t"), name, actor=ME)


def test_create_of_a_taken_name_is_refused(catalog: CatalogService) -> None:
    catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    with pytest.raises(AlreadyExistsError, match="PUT updates it"):
        catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)


def test_if_match_refuses_a_state_that_is_gone(catalog: CatalogService) -> None:
    made = catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    catalog.patch("mlmodel", made.id, {"license": "MIT"}, actor=ME, if_match=made.rev)
    with pytest.raises(PreconditionError) as caught:
        catalog.patch("mlmodel", made.id, {"license": "BSD"}, actor=ME, if_match=made.rev)
    assert caught.value.details["current"]["license"] == "MIT"
    assert caught.value.details["rev"] == made.rev + 1


@pytest.mark.parametrize(
    ("patch", "match"),
    [
        ([{"op": "replace", "path": "/version", "value": "9.9"}], "/version"),
        ([{"op": "replace", "path": "/name", "value": "other"}], "/name"),
        ([{"op": "remove", "path": "/algorithm"}], "/algorithm"),
        ([{"op": "remove", "path": "/nothing"}], "/0"),
        ([{"op": "remove", "path": "/mlFeatures/" + "9" * 5000}], "/0"),
        ([{"op": "spin", "path": "/name"}], "/0"),
        ("text", "a patch is"),
        ([{"op": "replace", "path": "", "value": 3}], "object"),
    ],
)
def test_a_patch_that_does_not_apply_changes_nothing(
    catalog: CatalogService, patch: Any, match: str
) -> None:
    body = {"name": "m", "algorithm": "a", "mlFeatures": []}
    made = catalog.create("mlmodel", body, actor=ME)
    with pytest.raises(InvalidInputError, match=match):
        catalog.patch("mlmodel", made.id, patch, actor=ME)
    assert catalog.get("mlmodel", made.id).rev == made.rev


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ([{"op": "replace", "path": "/columns/0/id", "value": ID}], "/columns/0/id"),
        ({"columns": [{"name": "b", "dataType": "INT", "id": ID}]}, "/columns/0/id"),
        ({"columns": [{"name": "new", "dataType": "INT", "id": ID}]}, "/columns/0/id"),
        (
            [{"op": "replace", "path": "/columns/1/fullyQualifiedName", "value": "x"}],
            "/columns/1/fullyQualifiedName",
        ),
    ],
)
def test_a_patch_gives_no_part_another_identity(
    catalog: CatalogService, shop: Shop, patch: Any, pointer: str
) -> None:
    table = shop.table("t", "a", "b")
    with pytest.raises(InvalidInputError) as caught:
        catalog.patch("table", table.id, patch, actor=ME)
    assert caught.value.errors[0]["pointer"] == pointer


def test_a_patch_may_rename_move_and_leave_parts_out(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a", "b", "c")
    patch = [
        {"op": "add", "path": "/columns/0", "value": {"name": "new", "dataType": "INT"}},
        {"op": "replace", "path": "/columns/2/name", "value": "z"},
        {"op": "remove", "path": "/columns/3"},
    ]
    columns = doc(catalog.patch("table", table.id, patch, actor=ME))["columns"]
    assert [each["name"] for each in columns] == ["new", "a", "z"]
    assert [each["fullyQualifiedName"][-2:] for each in columns] == ["ew", ".a", ".z"]


def test_a_reference_that_contradicts_itself_is_refused(catalog: CatalogService) -> None:
    first, second = (catalog.put("mlmodelService", {"name": n}, actor=ME) for n in "ab")
    for wrong in ("fullyQualifiedName", "type"):
        service = {"id": first.id, wrong: second.fqn if wrong != "type" else "domain"}
        with pytest.raises(InvalidInputError) as caught:
            catalog.put("mlmodel", {"name": "m", "algorithm": "x", "service": service}, actor=ME)
        assert caught.value.errors[0]["pointer"] == f"/service/{wrong}"
    service = {"id": first.id, "type": "mlmodelService", "fullyQualifiedName": "a"}
    catalog.put("mlmodel", {"name": "m", "algorithm": "x", "service": service}, actor=ME)


def test_a_patch_does_not_mind_that_others_rename_what_it_leaves_alone(
    store: Store, catalog: CatalogService, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.table("t", "a")
    model = shop.model(features={"f": ["t.a"]})
    read, waiting = store.find_many, ["u"]

    def late(*args: Any, **kwargs: Any) -> Any:
        if waiting:
            catalog.rename("table", ("table", f"{shop.schema}.t"), waiting.pop(), actor=ME)
        return read(*args, **kwargs)

    monkeypatch.setattr(store, "find_many", late)
    patched = doc(catalog.patch("mlmodel", model.id, {"description": "d"}, actor=ME))
    source = patched["mlFeatures"][0]["featureSources"][0]
    assert source["dataSource"]["fullyQualifiedName"] == f"{shop.schema}.u"


def test_a_patch_cannot_blow_a_document_up(catalog: CatalogService) -> None:
    made = catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    value = {"name": "p", "value": ["x" * 100]}
    inside = "/mlHyperParameters/0/value/-"
    double = {"op": "copy", "from": "/mlHyperParameters/0/value", "path": inside}
    patch = [{"op": "add", "path": "/mlHyperParameters", "value": [value]}, *[double] * 40]
    with pytest.raises(InvalidInputError, match="copies"):
        catalog.patch("mlmodel", made.id, patch, actor=ME)


def test_concurrent_patches_all_arrive(catalog: CatalogService) -> None:
    made = catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)

    def add(number: int) -> None:
        patch = [
            {"op": "test", "path": "/name", "value": "m"},
            {"op": "add", "path": "/mlHyperParameters/-", "value": {"name": f"p{number}"}},
        ]
        catalog.patch("mlmodel", made.id, patch, actor=ME)

    catalog.patch("mlmodel", made.id, {"mlHyperParameters": []}, actor=ME)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    stored = json.loads(catalog.get("mlmodel", made.id).document)
    assert {p["name"] for p in stored["mlHyperParameters"]} == {f"p{n}" for n in range(24)}
    assert stored["version"] == "0.25"


def test_soft_delete_restore_and_what_lies_below(catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    early = shop.table("early", "a")
    catalog.delete("table", early.id, actor=ME)
    service = catalog.get("databaseService", ("databaseService", "wh"))
    with pytest.raises(ConflictError, match="recursive"):
        catalog.delete("databaseService", service.id, actor=ME)
    catalog.delete("databaseService", service.id, actor=ME, recursive=True)
    with pytest.raises(NotFoundError, match="restore"):
        catalog.get("table", table.id)
    with pytest.raises(ConflictError, match="parent first"):
        catalog.restore("table", table.id, actor=ME)
    assert catalog.list("table").records == []
    assert [r.name for r in catalog.list("table", deleted="only").records] == ["early", "t"]
    catalog.restore("databaseService", service.id, actor=ME)
    assert [r.name for r in catalog.list("table").records] == ["t"]
    assert catalog.get("table", table.id).version == "0.3"


def test_a_deleted_name_is_revived_by_put_and_refused_by_create(catalog: CatalogService) -> None:
    made = catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    catalog.delete("mlmodel", made.id, actor=ME)
    with pytest.raises(AlreadyExistsError, match="restore"):
        catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    revived = catalog.put("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    assert revived.id == made.id
    assert "deleted" not in doc(revived)


def test_nothing_is_revived_below_a_deleted_parent(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "a")
    key = ("databaseSchema", shop.schema)
    catalog.delete("databaseSchema", key, actor=ME, recursive=True)
    with pytest.raises(InvalidInputError, match=r"/databaseSchema.*is deleted"):
        shop.table("t", "a", "b")


def test_a_reference_to_something_deleted_is_refused_but_an_old_one_may_stay(
    catalog: CatalogService, shop: Shop
) -> None:
    table = shop.table("t", "a")
    model = shop.model(features={"age": ["t.a"]})
    catalog.delete("table", table.id, actor=ME)
    catalog.patch("mlmodel", model.id, {"description": "still fine"}, actor=ME)
    with pytest.raises(InvalidInputError, match="is deleted"):
        shop.model("other", features={"age": ["t.a"]})


def test_bulk_writes_what_is_right_and_reports_the_rest(catalog: CatalogService) -> None:
    items = [
        {"name": "a", "algorithm": "x"},
        {"name": "bad"},
        {"name": "b", "algorithm": "x"},
        {"name": "a", "algorithm": "y"},
        "nonsense",
    ]
    result = catalog.put_bulk("mlmodel", items, actor=ME)
    assert [(w.fqn, w.version, w.created) for w in result.written] == [
        ("headwater.a", "0.1", True),
        ("headwater.b", "0.1", True),
        ("headwater.a", "1.0", False),
    ]
    assert [(f["index"], f["code"]) for f in result.failed] == [
        (1, "invalid-input"),
        (4, "invalid-input"),
    ]
    assert catalog.put_bulk("mlmodel", items[:1], actor=ME).written[0].version == "2.0"


def test_lists_page_by_name_and_filter_by_parent(catalog: CatalogService, shop: Shop) -> None:
    for name in ("b", "a", "Z", "ä", "c.d"):
        shop.table(name, "x")
    pages, after = [], None
    while True:
        page = catalog.list("table", limit=2, after=after, parent=shop.schema, total=True)
        assert page.total == 5
        pages.append([record.name for record in page.records])
        after = page.after
        if after is None:
            break
    assert pages == [["c.d", "Z"], ["a", "b"], ["ä"]]
    with pytest.raises(NotFoundError):
        catalog.list("table", parent="wh.main.other")
    with pytest.raises(InvalidInputError, match="cursor"):
        catalog.list("table", after="%%%")


def test_get_as_of_a_commit(store: Store, catalog: CatalogService) -> None:
    made = catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    then = store.sequence()
    catalog.patch("mlmodel", made.id, {"algorithm": "b"}, actor=ME)
    old = catalog.get("mlmodel", ("mlmodel", "headwater.m"), as_of=then)
    assert json.loads(old.document)["algorithm"] == "a"
    with pytest.raises(NotFoundError):
        catalog.get("mlmodel", made.id, as_of=then - 1)


def test_events_tell_what_happened_in_order(store: Store, catalog: CatalogService) -> None:
    start = len(store.events(limit=1000))
    made = catalog.create("mlmodel", {"name": "m", "algorithm": "a"}, actor=ME)
    catalog.patch("mlmodel", made.id, {"algorithm": "b"}, actor=ME)
    catalog.delete("mlmodel", made.id, actor=ME)
    catalog.restore("mlmodel", made.id, actor=ME)
    told = [(e.event.type, e.event.version) for e in store.events(after=start, limit=10)]
    assert told == [
        ("entityCreated", "0.1"),
        ("entityUpdated", "1.0"),
        ("entitySoftDeleted", "1.1"),
        ("entityRestored", "1.2"),
    ]


def test_a_reference_without_a_kind_means_the_only_one_of_its_name(
    catalog: CatalogService,
) -> None:
    catalog.put("user", {"name": "ann"}, actor=ME)
    for name in ("user", "team"):
        catalog.put(name, {"name": "ops"}, actor=ME)
    body: dict[str, Any] = {"name": "m", "algorithm": "A", "owners": ["ann"]}
    owner = doc(catalog.put("mlmodel", body, actor=ME))["owners"][0]
    assert (owner["type"], owner["name"]) == ("user", "ann")
    with pytest.raises(InvalidInputError) as caught:
        catalog.put("mlmodel", {**body, "owners": ["ops"]}, actor=ME)
    assert caught.value.details["candidates"] == ["team:ops", "user:ops"]
    assert [fault["pointer"] for fault in caught.value.errors] == ["/owners/0/type"]
    for candidate in caught.value.details["candidates"]:
        owner = doc(catalog.put("mlmodel", {**body, "owners": [candidate]}, actor=ME))["owners"][0]
        assert f"{owner['type']}:{owner['name']}" == candidate
    with pytest.raises(InvalidInputError, match="no user or team 'nobody'"):
        catalog.put("mlmodel", {**body, "owners": ["nobody"]}, actor=ME)
    catalog.delete("user", ("user", "ops"), actor=ME)
    assert doc(catalog.put("mlmodel", {**body, "owners": ["ops"]}, actor=ME))["owners"]


def test_a_target_stands_once_in_a_list_of_references(catalog: CatalogService) -> None:
    ann = catalog.put("user", {"name": "ann"}, actor=ME).id
    body = {"name": "m", "algorithm": "A", "owners": ["ann", {"id": ann}, "user:ann"]}
    made = catalog.put("mlmodel", body, actor=ME)
    assert [each["id"] for each in doc(made)["owners"]] == [ann]
    patch = [{"op": "add", "path": "/owners/-", "value": {"id": ann, "type": "user"}}]
    again = catalog.patch("mlmodel", made.id, patch, actor=ME)
    assert (again.changed, len(doc(again)["owners"])) == (False, 1)


def test_a_service_that_is_built_in_keeps_its_name(catalog: CatalogService) -> None:
    catalog.ensure_built_in()
    with pytest.raises(ConflictError, match="is built in"):
        catalog.rename("mlmodelService", ("mlmodelService", "headwater"), "q", actor=ME)
    catalog.ensure_built_in()
    assert catalog.put("mlmodel", {"name": "m", "algorithm": "A"}, actor=ME).created


def test_a_service_that_is_a_default_stays(catalog: CatalogService) -> None:
    catalog.put("mlmodel", {"name": "m", "algorithm": "A"}, actor=ME)
    headwater = ("mlmodelService", "headwater")
    for act in (catalog.delete, catalog.erase):
        for recursive in (False, True):
            with pytest.raises(ConflictError, match=r"service of every mlmodel .*ml_model\.json"):
                act("mlmodelService", headwater, actor=ME, recursive=recursive, force=True)
    assert catalog.put("mlmodel", {"name": "n", "algorithm": "A"}, actor=ME).created


@pytest.mark.parametrize("actor", [ME, BOT], ids=["person", "bot"])
def test_an_empty_list_over_an_absent_one_changes_nothing(
    catalog: CatalogService, shop: Shop, actor: Actor
) -> None:
    shop.table("t", "a", actor=actor)
    shop.model(actor=actor, features={"f": ["t.a"]})
    catalog.put("pipelineService", {"name": "air"}, actor=actor)
    catalog.put("pipeline", {"name": "nightly", "service": "air"}, actor=actor)
    bodies: dict[str, dict[str, Any]] = {
        "table": {
            "name": "t",
            "databaseSchema": shop.schema,
            "columns": [{"name": "a", "dataType": "INT", "children": [], "tags": []}],
        },
        "mlmodel": {
            "name": "churn",
            "algorithm": "RandomForest",
            "mlFeatures": [{"name": "f", "tags": [], "featureSources": [shop.source("t.a")]}],
        },
        "pipeline": {"name": "nightly", "service": "air"},
    }
    for name, body in bodies.items():
        lists: dict[str, Any] = {
            field.name: []
            for field in kind(name).shape.fields.values()
            if field.is_list and not field.read_only and field.name not in body
        }
        before = catalog.get(name, catalog.put(name, body, actor=actor).id)
        after = catalog.put(name, {**body, **lists}, actor=actor)
        assert len(lists) > 1
        assert (after.changed, after.rev, after.document) == (False, before.rev, before.document)
