"""Stages that hold one version, own stages, protected aliases, and what production keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService, EventService, Written
from headwater.catalog.record import RecordService
from headwater.errors import AccessError, AlreadyExistsError, ConflictError, InvalidInputError
from headwater.lineage import LineageService, outdated
from headwater.store import Store, WriteSet
from tests.services.shop import ME, Shop
from tests.services.test_model_versions import MODEL, Registry, doc

UNCHANGED = {"outdated": False, "tables": [], "erased": []}
EDITOR = Actor("ed", role="editor")


@pytest.fixture
def registry(catalog: CatalogService, shop: Shop) -> Registry:
    shop.model("churn", algorithm="RandomForest")
    return Registry(catalog, shop)


@pytest.fixture
def pair(registry: Registry) -> tuple[Written, Written]:
    """Two versions, the first in production."""
    versions = registry.version("a", algorithm="Forest"), registry.version("b", algorithm="Boost")
    registry.stage(versions[0], "production")
    return versions


def define(catalog: CatalogService, name: str, actor: Actor = ME, **fields: object) -> Written:
    return catalog.put("modelStage", {"name": name, **fields}, actor=actor)


def test_a_stage_that_is_held_is_refused_and_says_by_whom(
    registry: Registry, pair: tuple[Written, Written]
) -> None:
    with pytest.raises(
        ConflictError, match=r"version 'a' of mlmodel 'headwater\.churn'"
    ) as refused:
        registry.stage(pair[1], "production", force=False)
    assert [each["name"] for each in refused.value.details["holders"]] == ["a"]
    assert registry.find("production") == "a"
    assert registry.model["algorithm"] == "Forest"


def test_force_archives_who_was_there_in_the_same_commit(
    registry: Registry, pair: tuple[Written, Written], store: Store
) -> None:
    before = store.sequence()
    registry.stage(pair[1], "production")
    assert store.sequence() == before + 1
    assert (registry.find("production"), registry.find("archived")) == ("b", "a")
    registry.stage(pair[1], "production", force=False)  # where it is already, nobody is in the way


def test_an_own_stage_holds_one_version_or_many_as_it_says(registry: Registry) -> None:
    for name, exclusive in (("shadow", False), ("canary", True)):
        define(registry.catalog, name, exclusive=exclusive)
    a, b = registry.version("a"), registry.version("b")
    for version in (a, b):
        registry.stage(version, "shadow", force=False)
    assert registry.find("shadow") == "b"
    held = {
        s["stage"]: [v["name"] for v in s["versions"]]
        for s in registry.model["lifecycle"]["stages"]
    }
    assert held == {"shadow": ["a", "b"]}
    registry.stage(a, "canary", force=False)
    with pytest.raises(ConflictError, match="canary"):
        registry.stage(b, "canary", force=False)
    assert [each["name"] for each in registry.versions.held_at(MODEL, "canary", 2**52)] == ["a"]


@pytest.mark.parametrize("name", ["latest", "production", "none", "Shadow", "1", "a b"])
def test_a_stage_has_a_name_that_selectors_understand(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidInputError):
        define(registry.catalog, name)


def test_only_admins_define_stages(registry: Registry) -> None:
    with pytest.raises(AccessError, match="only admins"):
        define(registry.catalog, "shadow", EDITOR)
    made = define(registry.catalog, "shadow")
    with pytest.raises(AccessError, match="only admins"):
        registry.catalog.delete("modelStage", made.id, actor=EDITOR)


def test_a_stage_that_is_used_stays_and_its_word_names_no_version(registry: Registry) -> None:
    made = define(registry.catalog, "shadow")
    version = registry.version("a")
    registry.stage(version, "shadow")
    for act in (registry.catalog.delete, registry.catalog.erase):
        with pytest.raises(ConflictError, match=r"headwater\.churn\.a"):
            act("modelStage", made.id, actor=ME)
    with pytest.raises(InvalidInputError):
        registry.version("shadow")
    with pytest.raises(InvalidInputError):
        registry.versions.set_alias(version.id, "Shadow", actor=ME)
    registry.stage(version, "none")
    registry.catalog.delete("modelStage", made.id, actor=ME)
    with pytest.raises(InvalidInputError, match="a stage is"):
        registry.stage(version, "shadow")


def test_a_stage_that_would_hide_a_version_is_refused(registry: Registry) -> None:
    stage = define(registry.catalog, "gone")
    registry.catalog.delete("modelStage", stage.id, actor=ME)
    version = registry.version("Shadow")
    for alias in ("canary", "gone"):
        registry.versions.set_alias(version.id, alias, actor=ME)
    for name, what in (
        ("shadow", r"modelVersion 'headwater\.churn\.Shadow'"),
        ("canary", r"the alias 'canary' of mlmodel 'headwater\.churn'"),
    ):
        with pytest.raises(ConflictError, match=f"a stage '{name}' would hide {what}"):
            define(registry.catalog, name)
    with pytest.raises(ConflictError, match="the alias 'gone'"):
        registry.catalog.restore("modelStage", stage.id, actor=ME)
    registry.versions.delete_alias(version.id, "canary", actor=ME)
    define(registry.catalog, "canary")
    define(registry.catalog, "canary", description="Some customers.")


def test_what_a_stage_hides_by_now_is_not_restored(
    registry: Registry, catalog: CatalogService
) -> None:
    version = registry.version("Shadow")
    catalog.delete("modelVersion", version.id, actor=ME)
    stage = define(catalog, "shadow")
    words = r"stage 'shadow' would hide modelVersion 'headwater\.churn\.Shadow'"
    with pytest.raises(ConflictError, match=words):
        catalog.restore("modelVersion", version.id, actor=ME)
    with pytest.raises(ConflictError, match=words):
        registry.version("Shadow")  # a put revives it
    catalog.rename("modelVersion", version.id, "other", actor=ME, include_deleted=True)
    catalog.restore("modelVersion", version.id, actor=ME)

    registry.versions.set_alias(version.id, "Canary", actor=ME)
    gone = catalog.delete("mlmodel", MODEL, actor=ME, recursive=True)
    canary = define(catalog, "canary")
    with pytest.raises(
        ConflictError, match=r"would hide the alias 'Canary' of mlmodel 'headwater\.churn'"
    ):
        catalog.restore("mlmodel", gone.id, actor=ME)
    for each in (canary, stage):
        catalog.delete("modelStage", each.id, actor=ME)
    catalog.restore("mlmodel", gone.id, actor=ME)
    assert registry.find("Canary") == "other"


def test_an_alias_that_a_stage_hid_already_is_restored(
    registry: Registry, catalog: CatalogService
) -> None:
    define(catalog, "shadow")
    registry.versions.set_alias(registry.version("a").id, "shadow", actor=ME, any_word=True)
    gone = catalog.delete("mlmodel", MODEL, actor=ME, recursive=True)
    catalog.restore("mlmodel", gone.id, actor=ME)
    assert registry.model["lifecycle"]["aliases"][0]["alias"] == "shadow"


def test_a_deleted_stage_makes_no_room_for_another(catalog: CatalogService) -> None:
    gone = define(catalog, "shadow")
    catalog.delete("modelStage", gone.id, actor=ME)
    with pytest.raises(AlreadyExistsError, match="stages keep their names; restore"):
        catalog.create("modelStage", {"name": "shadow"}, actor=ME, replace_deleted=True)
    assert define(catalog, "shadow").id == gone.id


def test_what_is_in_production_is_deleted_by_force_only(
    registry: Registry, pair: tuple[Written, Written], catalog: CatalogService
) -> None:
    for kind, key in (("modelVersion", pair[0].id), ("mlmodel", MODEL)):
        for act in (catalog.delete, catalog.erase):
            with pytest.raises(ConflictError, match="in production"):
                act(kind, key, actor=ME, recursive=True)
    catalog.delete("modelVersion", pair[0].id, actor=ME, force=True)
    assert "serving" not in registry.model["lifecycle"]
    registry.stage(pair[1], "production")
    lab = catalog.put("mlmodelService", {"name": "lab"}, actor=ME).id
    catalog.put("mlmodel", {"name": "m", "algorithm": "A", "service": "lab"}, actor=ME)
    served = catalog.put("modelVersion", {"name": "v", "mlmodel": "lab.m"}, actor=ME)
    registry.stage(served, "production")
    with pytest.raises(ConflictError, match="in production"):
        catalog.delete("mlmodelService", lab, actor=ME, recursive=True)
    catalog.delete("mlmodel", MODEL, actor=ME, recursive=True, force=True)
    assert catalog.get("mlmodel", MODEL, include_deleted=True).deleted is True


def test_a_protected_alias_moves_by_force_only(
    registry: Registry, pair: tuple[Written, Written]
) -> None:
    a, b = (each.id for each in pair)
    versions = registry.versions
    versions.set_alias(a, "champion", actor=ME, protected=True)
    with pytest.raises(ConflictError, match="protected"):
        versions.set_alias(b, "champion", actor=ME)
    with pytest.raises(ConflictError, match="protected"):
        versions.set_alias(a, "champion", actor=ME, protected=False)
    with pytest.raises(ConflictError, match="protected"):
        versions.delete_alias(a, "champion", actor=ME)
    versions.set_alias(b, "champion", actor=ME, force=True)
    assert registry.find("champion") == "b"
    with pytest.raises(ConflictError, match="protected"):  # it still is
        versions.set_alias(a, "champion", actor=ME)
    versions.delete_alias(b, "champion", actor=ME, force=True)
    versions.set_alias(a, "champion", actor=ME)
    versions.set_alias(b, "champion", actor=ME)


def test_a_version_with_a_protected_alias_is_deleted_by_force_only(registry: Registry) -> None:
    version = registry.version("a")
    registry.versions.set_alias(version.id, "best", actor=ME, protected=True)
    for act in (registry.catalog.delete, registry.catalog.erase):
        with pytest.raises(ConflictError, match="'best', which is protected"):
            act("modelVersion", version.id, actor=ME)
    registry.catalog.delete("modelVersion", version.id, actor=ME, force=True)


def test_a_stage_that_is_deleted_while_versions_move_there_has_none_left(
    registry: Registry, catalog: CatalogService
) -> None:
    versions = [registry.version(f"v{n}") for n in range(3)]
    for _ in range(8):
        made = define(catalog, "shadow")

        def move(version: Written) -> None:
            with suppress(InvalidInputError):  # the stage is gone already
                registry.stage(version, "shadow")

        def delete(_: None, made: Written = made) -> None:
            with suppress(ConflictError):  # somebody is there already
                catalog.delete("modelStage", made.id, actor=ME)

        with ThreadPoolExecutor(4) as pool:
            moves = [pool.submit(move, version) for version in versions]
            pool.submit(delete, None).result()
            for each in moves:
                each.result()
        gone = catalog.get("modelStage", made.id, include_deleted=True).deleted
        assert not (gone and "stages" in registry.model["lifecycle"])
        for version in versions:
            registry.stage(version, "none")


def test_a_version_without_a_name_is_named_by_its_number(registry: Registry) -> None:
    create = registry.catalog.create_model_version
    first = doc(create(MODEL, {"algorithm": "Forest"}, actor=ME))
    named = doc(create(MODEL, {"name": "1.0.5"}, actor=ME))
    third = doc(create(MODEL, {}, actor=ME))
    assert [(v["number"], v["name"]) for v in (first, named, third)] == [
        (1, "1"), (2, "1.0.5"), (3, "3"),
    ]  # fmt: skip
    with pytest.raises(AlreadyExistsError):
        create(MODEL, {"name": "1.0.5"}, actor=ME)
    with pytest.raises(InvalidInputError):
        create(MODEL, {"mlmodel": "headwater.other"}, actor=ME)


def test_versions_are_told_when_their_columns_change(
    registry: Registry, shop: Shop, lineage: LineageService, store: Store
) -> None:
    shop.table("people", "age", "city", "note")
    reads = {"years": ["people.age"], "place": ["people.city"]}
    version = registry.version("a", features=reads)
    archived = registry.version("old", features=reads)
    registry.stage(archived, "archived")
    assert lineage.source_changes(version.id) == UNCHANGED

    shop.table("people", "age", "city", "note", "extra")
    added = lineage.source_changes(version.id)
    assert added["outdated"] is False
    assert added["tables"][0]["columns"] == [
        {"name": "extra", "change": "added", "is": "INT", "features": []}
    ]
    shop.table("people", "age", "city", "note", "extra", *"dcab")
    (table,) = lineage.source_changes(version.id)["tables"]
    assert [each["name"] for each in table["columns"]] == ["extra", *"dcab"], "as they stand"
    columns = [{"name": "age", "dataType": "VARCHAR"}, {"name": "note", "dataType": "INT"}]
    shop.catalog.put(
        "table",
        {"name": "people", "databaseSchema": shop.schema, "columns": columns},
        actor=ME,
    )
    changed = lineage.source_changes(version.id)
    assert changed["outdated"] is True
    (table,) = changed["tables"]
    assert (table["trainedOn"], table["now"]) == ("0.1", "1.0")
    assert {c["name"]: (c["change"], c["features"]) for c in table["columns"]} == {
        "age": ("retyped", ["years"]),
        "city": ("dropped", ["place"]),
    }
    assert [fqn for fqn, _ in told(store)] == ["headwater.churn.a"]


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    events = EventService(store).page(types=["sourcesChanged"]).events
    return [(each.event.fqn, json.loads(each.event.payload)) for each in events]


def test_versions_are_told_once_when_their_table_goes_and_comes_back(
    registry: Registry, shop: Shop, lineage: LineageService, store: Store
) -> None:
    shop.table("people", "age", "city")
    shop.table("spare", "age")
    shop.model("other", features={"f": ["people.age"]})
    version = registry.version("a", features={"x": ["people.age", "people.city"]})
    registry.stage(registry.version("old", features={"x": ["people.age"]}), "archived")
    registry.version("elsewhere", features={"x": ["spare.age"]})
    gone = registry.catalog.delete("table", ("table", f"{shop.schema}.people"), actor=ME)
    about = {"table": f"{shop.schema}.people", "change": "deleted", "columns": []}
    assert told(store) == [("headwater.churn.a", about)]
    assert lineage.source_changes(version.id)["outdated"] is True
    registry.catalog.restore("table", gone.id, actor=ME)
    assert told(store)[1:] == [("headwater.churn.a", about | {"change": "restored"})]
    assert lineage.source_changes(version.id) == UNCHANGED


def test_recursive_deletion_tells_each_version_of_each_of_its_tables(
    registry: Registry, shop: Shop, store: Store
) -> None:
    shop.table("people", "age")
    shop.table("places", "city")
    registry.version("a", features={"x": ["people.age", "places.city"]})
    registry.version("b", features={"x": ["people.age"]})
    database = registry.catalog.get("database", ("database", "wh.main"))
    registry.catalog.delete("database", database.id, actor=ME, recursive=True)
    pairs = [("a", "people"), ("a", "places"), ("b", "people")]
    names = sorted((fqn, about["table"], about["change"]) for fqn, about in told(store))
    assert names == [(f"headwater.churn.{v}", f"{shop.schema}.{t}", "deleted") for v, t in pairs]
    registry.catalog.restore("database", database.id, actor=ME)
    assert [about["change"] for _, about in told(store)] == ["deleted"] * 3 + ["restored"] * 3


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_versions_are_told_however_many_learned_from_a_table(
    registry: Registry, shop: Shop, store: Store, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(outdated, "_PAGE", size)
    table = shop.table("people", "age", "city")
    names = [f"v{number}" for number in range(7)]
    for name in names:
        registry.version(name, features={"x": ["people.age", "people.city"]})
    shop.table("people")
    assert sorted(fqn[-2:] for fqn, _ in told(store)) == names
    assert {len(about["columns"]) for _, about in told(store)} == {2}
    registry.catalog.delete("table", table.id, actor=ME)
    assert sorted(fqn[-2:] for fqn, _ in told(store)[7:]) == names


def test_table_that_returns_without_a_column_says_so_in_the_same_event(
    registry: Registry, shop: Shop, store: Store
) -> None:
    gone = shop.table("people", "age", "city")
    registry.version("a", features={"x": ["people.age"]})
    registry.catalog.delete("table", gone.id, actor=ME)
    shop.table("people", "city")
    (_, (_, about)) = told(store)
    assert (about["change"], [c["name"] for c in about["columns"]]) == ("restored", ["age"])


@pytest.mark.parametrize("first_deleted", [False, True])
def test_version_whose_table_is_erased_is_outdated_and_told_once(
    registry: Registry,
    shop: Shop,
    lineage: LineageService,
    store: Store,
    first_deleted: bool,
) -> None:
    table = shop.table("people", "age", "city")
    shop.table("places", "city")
    version = registry.version("a", features={"x": ["people.age", "places.city"], "y": ["loose"]})
    if first_deleted:
        registry.catalog.delete("table", table.id, actor=ME)
    registry.catalog.erase("table", table.id, actor=ME, force=True)
    changed = lineage.source_changes(version.id)
    assert changed["outdated"] is True
    assert changed["erased"] == [{"name": "age", "feature": "x", "trainedOn": "0.1"}]
    ((fqn, about),) = told(store)
    assert (fqn, about["table"]) == ("headwater.churn.a", f"{shop.schema}.people")
    assert about["change"] == ("deleted" if first_deleted else "erased")


def test_a_version_has_its_runs_and_artifacts(registry: Registry, catalog: CatalogService) -> None:
    version = registry.version("a")
    catalog.put("pipelineService", {"name": "jobs"}, actor=ME)
    catalog.put("pipeline", {"name": "train", "service": "jobs"}, actor=ME)
    for name, at, field in (("r1", 1, "outputs"), ("r2", 2, "inputs"), ("r3", 3, None)):
        body = {"name": name, "pipeline": "jobs.train", "startedAt": at}
        if field:
            body[field] = [{"type": "modelVersion", "id": version.id}]
        catalog.put("pipelineRun", body, actor=ME)
    content = catalog.model_content
    assert [run["name"] for run in content.runs(version.id).documents] == ["r2", "r1"]
    first = content.runs(version.id, limit=1)
    assert [run["name"] for run in content.runs(version.id, after=first.after or 0).documents] == [
        "r1"
    ]

    for name, kind in (("frame", "data"), ("forest", "model")):
        catalog.put("artifact", {"name": name, "artifactType": kind}, actor=ME)
        body = {"name": "1", "artifact": name, "modelVersions": ["headwater.churn.a"]}
        catalog.put("artifactVersion", body, actor=ME)
    found = content.artifacts(version.id).documents
    assert {each["artifact"]["name"]: each["artifactType"] for each in found} == {
        "frame": "data", "forest": "model",
    }  # fmt: skip
    (model,) = content.artifacts(version.id, artifact_type="model").documents
    assert model["artifact"]["name"] == "forest"
    catalog.delete("modelVersion", version.id, actor=ME)
    assert catalog.get("artifactVersion", ("artifactVersion", "forest.1")).deleted is False


def test_versions_are_compared_side_by_side(registry: Registry, shop: Shop, store: Store) -> None:
    shop.table("people", "age", "city")
    parameters = [{"name": "depth", "value": 3}]
    a = registry.version(
        "a", algorithm="Forest", mlHyperParameters=parameters, features={"x": ["people.age"]}
    )
    registry.version(
        "b", algorithm="Forest", mlHyperParameters=[{"name": "depth", "value": 4}],
        features={"x": ["people.age"], "y": ["people.city"]},
    )  # fmt: skip
    records = RecordService(store, registry.catalog)
    records.append("modelVersion", a.id, "metadata", {"key": "acc", "data": {"value": 1}}, actor=ME)
    records.append("modelVersion", a.id, "metadata", {"key": "acc", "data": {"value": 2}}, actor=ME)
    found = registry.catalog.model_content.compare(MODEL, ["a", "latest"])
    assert [each["name"] for each in found["versions"]] == ["a", "b"]
    rows = {(r["section"], r["name"]): (r["values"], r["equal"]) for r in found["rows"]}
    assert rows["version", "algorithm"] == (["Forest", "Forest"], True)
    assert rows["parameter", "depth"] == ([3, 4], False)
    assert rows["metadata", "acc"] == ([2, None], False)
    assert rows["feature", "y"][0][0] is None
    assert rows["source", "wh.main.shop.people.city"][0] == [None, {"tableVersion": "0.1"}]
    with pytest.raises(InvalidInputError):
        registry.catalog.model_content.compare(MODEL, ["a"])


def first(
    store: Store, monkeypatch: pytest.MonkeyPatch, early: Callable[[], Any], late: Callable[[], Any]
) -> None:
    """Let a write commit between what another reads and its commit."""
    commit = store.commit

    def committed(write_set: WriteSet) -> int:
        monkeypatch.undo()
        early()
        return commit(write_set)

    monkeypatch.setattr(store, "commit", committed)
    late()


@pytest.mark.parametrize("what", ["version", "model"])
def test_a_stage_never_hides_what_is_restored_meanwhile(
    registry: Registry,
    catalog: CatalogService,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    def gone(word: str) -> Callable[[], Written]:
        if what == "version":
            deleted = registry.version(word)
            catalog.delete("modelVersion", deleted.id, actor=ME)
            return lambda: catalog.restore("modelVersion", deleted.id, actor=ME)
        name = f"of {word}"
        model = catalog.put("mlmodel", {"name": name, "algorithm": "A"}, actor=ME).id
        body = {"name": "v", "mlmodel": {"id": model}}
        version = catalog.put("modelVersion", body, actor=ME).id
        catalog.model_versions.set_alias(version, word, actor=ME)
        catalog.delete("mlmodel", model, actor=ME, recursive=True)
        return lambda: catalog.restore("mlmodel", model, actor=ME)

    restore = gone("canary")
    with pytest.raises(ConflictError, match="would hide"):
        first(store, monkeypatch, lambda: define(catalog, "canary"), restore)
    restore = gone("shadow")
    with pytest.raises(ConflictError, match="would hide"):
        first(store, monkeypatch, restore, lambda: define(catalog, "shadow"))
