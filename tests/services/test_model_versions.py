"""Model versions: numbers, stages, aliases, frozen sources, and the model that follows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import Actor, CatalogService, Written, model_summary
from headwater.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from headwater.store import Store
from headwater.store.base import Record
from tests.services.shop import BOT, ME, Shop

MODEL = ("mlmodel", "headwater.churn")
LATER = 2**52
"""A time that no test sees."""


def doc(stored: Written | Record) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(stored.document)
    return document


class Registry:
    """Short forms for one model's versions."""

    def __init__(self, catalog: CatalogService, shop: Shop) -> None:
        self.catalog, self.shop = catalog, shop
        self.versions = catalog.model_versions

    def version(self, name: str, actor: Actor = ME, **fields: Any) -> Written:
        features = fields.pop("features", None)
        body = {"name": name, "mlmodel": "headwater.churn", **fields}
        if features is not None:
            body["mlFeatures"] = [
                {"name": each, "featureSources": [self.shop.source(text) for text in sources]}
                for each, sources in features.items()
            ]
        return self.catalog.put("modelVersion", body, actor=actor)

    def stage(
        self, version: Written, stage: str, *, force: bool = True, **how: Any
    ) -> dict[str, Any]:
        how["force"] = force
        return doc(self.versions.set_stage(version.id, stage, actor=ME, **how))

    @property
    def model(self) -> dict[str, Any]:
        return doc(self.catalog.get("mlmodel", MODEL))

    def find(self, selector: str) -> str:
        name: str = doc(self.versions.find(MODEL, selector))["name"]
        return name


@pytest.fixture
def registry(catalog: CatalogService, shop: Shop) -> Registry:
    shop.model("churn", algorithm="RandomForest")
    return Registry(catalog, shop)


def test_versions_are_numbered_and_a_number_is_never_given_twice(registry: Registry) -> None:
    assert [doc(registry.version(name))["number"] for name in ("a", "b")] == [1, 2]
    registry.catalog.erase("modelVersion", registry.versions.find(MODEL, "b").id, actor=ME)
    assert doc(registry.version("c"))["number"] == 3
    assert registry.model["lifecycle"]["lastNumber"] == 3


def test_a_deleted_version_makes_room_for_one_of_its_name_and_keeps_its_past(
    registry: Registry, store: Store
) -> None:
    catalog = registry.catalog
    catalog.put("pipelineService", {"name": "airflow"}, actor=ME)
    catalog.put("pipeline", {"name": "train", "service": "airflow"}, actor=ME)
    old = catalog.create_model_version(MODEL, {"name": "1.0.5", "description": "Old"}, actor=ME)
    made = [{"id": old.id, "type": "modelVersion"}]
    run = {"name": "r", "pipeline": "airflow.train", "outputs": made}
    made_by = catalog.put("pipelineRun", run, actor=ME)
    registry.stage(old, "staging")
    catalog.delete("modelVersion", old.id, actor=ME)
    run_of = {"run": {"id": made_by.id, "type": "pipelineRun"}}
    new = doc(catalog.create_model_version(MODEL, {"name": "1.0.5", **run_of}, actor=ME))
    assert (new["number"], new["version"], new["stage"]) == (2, "0.1", "none")
    assert "description" not in new
    assert registry.find("1.0.5") == registry.find("2") == "1.0.5"
    aside = doc(catalog.restore("modelVersion", old.id, actor=ME))
    assert (aside["number"], aside["description"]) == (1, "Old")
    assert aside["name"].startswith("1.0.5 (deleted 2")
    assert registry.find("1") == aside["name"]
    shown = doc(catalog.get("pipelineRun", made_by.id))["outputs"][0]
    assert (shown["id"], shown["name"]) == (old.id, aside["name"])
    moves = registry.versions.history(MODEL)
    assert [each.key for each in moves] == [old.id] * 2
    assert len(store.versions(old.id)) > 3


def test_one_of_many_writers_takes_a_deleted_versions_name(registry: Registry) -> None:
    catalog = registry.catalog
    old = catalog.create_model_version(MODEL, {"name": "a"}, actor=ME)
    catalog.delete("modelVersion", old.id, actor=ME)

    def create(_: int) -> int:
        try:
            made = catalog.create_model_version(MODEL, {"name": "a"}, actor=ME)
        except AlreadyExistsError:
            return 0
        return int(doc(made)["number"])

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(create, range(6))) == [0] * 5 + [2]


def test_a_deleted_versions_number_is_not_given_again_by_name(registry: Registry) -> None:
    catalog = registry.catalog
    old = catalog.create_model_version(MODEL, {}, actor=ME)
    catalog.delete("modelVersion", old.id, actor=ME)
    with pytest.raises(AlreadyExistsError, match="soft-deleted; restore brings it back"):
        catalog.create_model_version(MODEL, {"name": "1"}, actor=ME)
    assert doc(catalog.create_model_version(MODEL, {}, actor=ME))["number"] == 2


def test_a_deleted_entity_makes_room_when_asked_to(registry: Registry) -> None:
    catalog, body = registry.catalog, {"name": "churn", "algorithm": "unknown"}
    old, first = catalog.get("mlmodel", MODEL), registry.version("a")
    catalog.put("mlmodel", {**body, "description": "Old"}, actor=ME)
    catalog.delete("mlmodel", old.id, actor=ME, recursive=True)
    with pytest.raises(AlreadyExistsError, match="PUT revives it"):
        catalog.create("mlmodel", body, actor=ME)
    new = catalog.create("mlmodel", body, actor=ME, replace_deleted=True)
    assert "description" not in doc(new)
    assert doc(registry.version("a"))["number"] == 1
    aside = doc(catalog.restore("mlmodel", old.id, actor=ME))
    assert (aside["description"], aside["lifecycle"]["latest"]["id"]) == ("Old", first.id)
    assert aside["name"].startswith("churn (deleted 2")
    with pytest.raises(AlreadyExistsError, match="PUT updates it"):
        catalog.create("mlmodel", body, actor=ME, replace_deleted=True)


def test_many_writers_get_a_number_each(registry: Registry) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(registry.version, [f"v{number}" for number in range(18)]))
    assert sorted(doc(each)["number"] for each in made) == list(range(1, 19))
    assert registry.find("latest") == next(
        doc(each)["name"] for each in made if doc(each)["number"] == 18
    )


def test_a_version_is_found_by_latest_stage_alias_name_and_number(registry: Registry) -> None:
    first, second = registry.version("spring"), registry.version("summer")
    registry.version("autumn")
    registry.stage(first, "production")
    registry.versions.set_alias(second.id, "champion", actor=ME)
    assert registry.find("latest") == "autumn"
    assert registry.find("Production") == "spring"
    assert registry.find("champion") == "summer"
    assert registry.find("autumn") == "autumn"
    assert registry.find("2") == "summer"
    assert registry.find("none") == "autumn"
    for selector in ("staging", "archived", "4", "0", "nobody", "\u0661"):
        with pytest.raises(NotFoundError):
            registry.versions.find(MODEL, selector)


@pytest.mark.parametrize("name", ["latest", "Production", "staging", "none", "archived", "7", "07"])
def test_names_that_select_something_else_are_refused(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidInputError):
        registry.version(name)
    version = registry.version("a")
    with pytest.raises(InvalidInputError):
        registry.versions.set_alias(version.id, name, actor=ME)


def test_an_alias_that_would_hide_another_version_is_refused(registry: Registry) -> None:
    spring, summer = registry.version("1.0.5"), registry.version("summer")
    with pytest.raises(
        ConflictError, match=r"the name of modelVersion 'headwater.churn.\"1.0.5\"'"
    ):
        registry.versions.set_alias(summer.id, "1.0.5", actor=ME)
    registry.versions.set_alias(spring.id, "1.0.5", actor=ME)  # finds what its name finds
    with pytest.raises(ConflictError):
        registry.versions.set_alias(summer.id, "1.0.5", actor=ME)
    assert registry.find("1.0.5") == "1.0.5"
    registry.catalog.delete("modelVersion", spring.id, actor=ME)
    registry.versions.set_alias(summer.id, "1.0.5", actor=ME)
    assert registry.find("1.0.5") == "summer"


def test_a_version_that_an_alias_would_hide_is_refused(registry: Registry) -> None:
    spring, summer = registry.version("spring"), registry.version("summer")
    registry.versions.set_alias(spring.id, "champion", actor=ME)
    for actor in (ME, BOT):
        with pytest.raises(ConflictError, match="'champion' is an alias of version 'spring'"):
            registry.version("champion", actor=actor)
    with pytest.raises(ConflictError, match="'champion' is an alias of version 'spring'"):
        registry.catalog.rename("modelVersion", summer.id, "champion", actor=ME)
    registry.catalog.rename("modelVersion", spring.id, "champion", actor=ME)  # its own alias
    assert registry.find("champion") == "champion"
    registry.versions.set_alias(spring.id, "3", actor=ME, any_word=True)  # as MLflow's clients may
    assert doc(registry.version("3"))["number"] == 3
    assert registry.find("3") == "3"


def test_a_version_may_be_named_by_its_own_number(registry: Registry) -> None:
    assert doc(registry.version("1"))["number"] == 1
    assert not registry.version("1").changed


def test_a_connector_keeps_the_numbers_of_its_source(registry: Registry) -> None:
    items = [{"name": name, "mlmodel": MODEL[1]} for name in ("2", "5", "5", "4")]
    result = registry.catalog.put_bulk("modelVersion", items, actor=BOT)
    assert [doc(each)["number"] for each in result.written] == [2, 5, 5, 4]
    assert registry.find("latest") == "5"
    assert doc(registry.version("mine"))["number"] == 6
    with pytest.raises(InvalidInputError):
        registry.version("6", actor=BOT)
    with pytest.raises(InvalidInputError):
        registry.version("9")


def test_a_bulk_puts_a_version_that_another_writer_makes_meanwhile(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"name": name, "mlmodel": MODEL[1]} for name in "12"]
    model_of = model_summary.model_of
    faster = iter("1")

    def slow(store: Store, model_id: str) -> Record:
        for name in faster:
            registry.version(name, actor=BOT)
        return model_of(store, model_id)

    monkeypatch.setattr(model_summary, "model_of", slow)
    result = registry.catalog.put_bulk("modelVersion", items, actor=BOT)
    assert result.failed == []
    assert [(each.created, doc(each)["number"]) for each in result.written] == [
        (False, 1),
        (True, 2),
    ]


def test_promotion_projects_the_version_onto_the_model(registry: Registry) -> None:
    version = registry.version(
        "v", algorithm="XGBoost", server="http://s/", mlHyperParameters=[{"name": "k", "value": 3}]
    )
    assert registry.model["algorithm"] == "RandomForest"
    before = registry.catalog.get("mlmodel", MODEL)
    registry.stage(version, "production")
    model = registry.model
    assert (model["algorithm"], model["server"]) == ("XGBoost", "http://s/")
    assert model["mlHyperParameters"][0]["value"] == 3
    assert model["version"] == "1.0"
    assert model["lifecycle"]["serving"]["name"] == "v"
    assert before.version == "0.1"


def test_promotion_is_one_commit(store: Store, registry: Registry) -> None:
    first, second = registry.version("a", algorithm="A"), registry.version("b", algorithm="B")
    registry.stage(first, "production")
    before = store.sequence()
    registry.stage(second, "production", reason="better")
    assert store.sequence() == before + 1
    assert doc(registry.versions.find(MODEL, "a"))["stage"] == "archived"
    assert doc(registry.versions.find(MODEL, "b"))["stage"] == "production"
    assert doc(registry.catalog.get("mlmodel", MODEL, as_of=before))["algorithm"] == "A"
    moves = [json.loads(each.data) for each in registry.versions.history(MODEL)]
    assert {
        "number": 2,
        "name": "b",
        "from": "none",
        "to": "production",
        "reason": "better",
    } in moves
    assert [(each["name"], each["to"]) for each in moves].count(("a", "archived")) == 1


def test_a_field_that_the_version_lacks_leaves_the_models(registry: Registry) -> None:
    registry.shop.model("churn", server="http://old/")
    registry.stage(registry.version("v", algorithm="XGB"), "production")
    assert registry.model["server"] == "http://old/"


def test_an_experiment_changes_nothing_of_the_model(store: Store, registry: Registry) -> None:
    version = registry.catalog.get("mlmodel", MODEL).version
    events = len(store.events(limit=1000))
    registry.version("v", algorithm="XGB")
    assert registry.catalog.get("mlmodel", MODEL).version == version
    new = [each.event for each in store.events(after=events)]
    assert [(each.type, each.kind) for each in new] == [("entityCreated", "modelVersion")]


def test_several_in_production_serve_the_latest_promotion(registry: Registry) -> None:
    first, second = registry.version("a", algorithm="A"), registry.version("b", algorithm="B")
    registry.stage(first, "production")
    registry.stage(second, "production", exclusive=False)
    assert registry.model["algorithm"] == "B"
    registry.stage(second, "archived")
    assert registry.model["algorithm"] == "A"
    registry.stage(first, "none")
    assert registry.model["algorithm"] == "A"
    assert "serving" not in registry.model["lifecycle"]


def test_a_move_that_changes_nothing_records_nothing(store: Store, registry: Registry) -> None:
    version = registry.version("a")
    registry.stage(version, "staging")
    before = store.sequence()
    registry.stage(version, "staging")
    assert store.sequence() == before


def test_a_direct_write_of_a_projected_value_is_refused(registry: Registry) -> None:
    registry.shop.table("t", "a", "b")
    registry.stage(registry.version("v", algorithm="XGB", features={"age": ["t.a"]}), "production")
    for fields in (
        {"algorithm": "SVM"},
        {"algorithm": "XGB", "server": "http://other/"},
        {"algorithm": "XGB", "features": {"age": ["t.a"], "more": []}},
    ):
        with pytest.raises(ConflictError, match="promote"):
            registry.shop.model("churn", **fields)
    with pytest.raises(ConflictError, match="promote"):
        registry.catalog.patch("mlmodel", MODEL, {"mlFeatures": None}, actor=ME)
    with pytest.raises(ConflictError, match="promote"):
        registry.shop.model("churn", actor=BOT, algorithm="XGB", features={"age": ["t.a", "t.b"]})
    assert not registry.shop.model("churn", algorithm="XGB", features={"age": ["t.a"]}).changed


def test_people_still_describe_and_add_sources_to_what_is_projected(
    registry: Registry, lineage: LineageService
) -> None:
    registry.shop.table("t", "a", "b", "c")
    first = registry.version("v", algorithm="XGB", features={"age": ["t.a"]})
    registry.stage(first, "production")
    registry.catalog.put(
        "mlmodel",
        {
            "name": "churn",
            "algorithm": "XGB",
            "mlFeatures": [
                {
                    "name": "age",
                    "description": "years",
                    "featureSources": [registry.shop.source("t.a"), registry.shop.source("t.b")],
                }
            ],
        },
        actor=ME,
    )
    second = registry.version("w", algorithm="XGB", features={"age": ["t.c"], "sex": []})
    registry.stage(second, "production")
    age, sex = registry.model["mlFeatures"]
    assert age["description"] == "years"
    assert [each["name"] for each in age["featureSources"]] == ["c", "b"]
    assert sex["name"] == "sex"
    for column, models in (("a", 0), ("b", 1), ("c", 1)):
        found = lineage.impact(f"{registry.shop.schema}.t.{column}")["models"]
        assert [each["kind"] for each in found].count("mlmodel") == models, column


def test_a_change_of_the_serving_version_reaches_the_model(registry: Registry) -> None:
    version = registry.version("v", algorithm="XGB")
    registry.stage(version, "production")
    registry.version("v", server="http://new/")
    assert registry.model["server"] == "http://new/"


def test_aliases_move(registry: Registry) -> None:
    first, second = registry.version("a"), registry.version("b")
    versions = registry.versions
    versions.set_alias(first.id, "champion", actor=ME)
    versions.set_alias(second.id, "champion", actor=ME)
    assert doc(versions.find(MODEL, "a"))["aliases"] == []
    assert doc(versions.find(MODEL, "champion"))["aliases"] == ["champion"]
    with pytest.raises(NotFoundError):
        versions.delete_alias(first.id, "champion", actor=ME)
    versions.delete_alias(second.id, "champion", actor=ME)
    with pytest.raises(NotFoundError):
        versions.find(MODEL, "champion")


def test_writers_of_one_alias_leave_one_holder(registry: Registry) -> None:
    made = [registry.version(f"v{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda each: registry.versions.set_alias(each.id, "champion", actor=ME), made * 3
            )
        )
    holders = [
        record
        for record in registry.catalog.list("modelVersion", limit=10).records
        if "champion" in doc(record)["aliases"]
    ]
    assert len(holders) == 1
    assert registry.find("champion") == doc(holders[0])["name"]


def test_which_version_was_in_production_goes_by_when_it_took_effect(registry: Registry) -> None:
    first, second = registry.version("a"), registry.version("b")
    registry.stage(first, "production", effective_at=1_000)
    registry.stage(second, "production", effective_at=5_000)
    held = [
        [each["name"] for each in registry.versions.held_at(MODEL, "production", at)]
        for at in (999, 1_000, 4_999, 5_000)
    ]
    assert held == [[], ["a"], ["a"], ["b"]]


def test_a_version_in_production_is_not_deleted(registry: Registry) -> None:
    version = registry.version("a")
    registry.stage(version, "production")
    with pytest.raises(ConflictError, match="in production"):
        registry.catalog.delete("modelVersion", version.id, actor=ME)
    registry.stage(version, "archived")
    registry.catalog.delete("modelVersion", version.id, actor=ME)
    with pytest.raises(NotFoundError):
        registry.versions.find(MODEL, "latest")
    registry.catalog.restore("modelVersion", version.id, actor=ME)
    assert registry.find("latest") == "a"


def test_latest_falls_back_when_the_newest_is_deleted(registry: Registry) -> None:
    registry.version("a")
    newest = registry.version("b")
    registry.versions.set_alias(newest.id, "x", actor=ME)
    registry.catalog.delete("modelVersion", newest.id, actor=ME)
    assert registry.find("latest") == "a"
    registry.catalog.restore("modelVersion", newest.id, actor=ME)
    assert registry.find("latest") == "b"
    assert doc(registry.versions.find(MODEL, "b"))["aliases"] == []


@pytest.mark.parametrize("stage", ["none", "staging", "archived"])
def test_a_deleted_version_has_left_its_stage(registry: Registry, stage: str) -> None:
    version = registry.version("a")
    registry.stage(version, stage)
    registry.versions.set_alias(version.id, "champion", actor=ME)
    registry.catalog.delete("modelVersion", version.id, actor=ME)
    assert registry.model["lifecycle"] == {"lastNumber": 1}
    assert registry.versions.held_at(MODEL, "staging", LATER) == []
    registry.catalog.restore("modelVersion", version.id, actor=ME)
    back = doc(registry.catalog.get("modelVersion", version.id))
    assert back["stage"] == ("archived" if stage == "archived" else "none")
    assert back["aliases"] == []
    assert registry.find(back["stage"]) == "a"


def test_a_model_that_a_put_revives_has_none_of_its_versions(registry: Registry) -> None:
    version = registry.version("a", algorithm="A")
    registry.stage(version, "production")
    registry.catalog.delete("mlmodel", MODEL, actor=ME, recursive=True, force=True)
    registry.shop.model("churn", algorithm="B")
    assert registry.model["lifecycle"] == {"lastNumber": 1}
    assert registry.versions.held_at(MODEL, "production", LATER) == []
    registry.catalog.restore("modelVersion", version.id, actor=ME)
    assert doc(registry.catalog.get("modelVersion", version.id))["stage"] == "none"
    assert (registry.model["algorithm"], registry.find("latest")) == ("B", "a")
    assert doc(registry.version("b"))["number"] == 2


def test_what_a_promotion_set_is_nobodys_when_a_put_revives_the_model(registry: Registry) -> None:
    version = registry.version("a", features={"f": ["loose"]})
    registry.stage(version, "production")
    registry.catalog.delete("mlmodel", MODEL, actor=ME, recursive=True, force=True)
    registry.shop.model("churn", features={"f": []})
    assert registry.model["mlFeatures"][0].get("featureSources", []) == []


def test_a_restored_model_knows_its_latest_though_a_later_one_was_erased(
    registry: Registry,
) -> None:
    first, second = registry.version("a"), registry.version("b")
    model = registry.catalog.get("mlmodel", MODEL)
    registry.catalog.delete("mlmodel", model.id, actor=ME, recursive=True)
    registry.catalog.erase("modelVersion", second.id, actor=ME)
    registry.catalog.restore("mlmodel", model.id, actor=ME)
    assert registry.find("latest") == "a"
    assert not registry.catalog.get("modelVersion", first.id).deleted


def test_restoring_a_model_brings_back_what_went_with_it_and_nothing_else(
    registry: Registry,
) -> None:
    catalog, shop = registry.catalog, registry.shop
    shop.table("t", "a")
    shop.model("churn", features={"f": ["t.a"]})
    first, second = registry.version("a"), registry.version("b")
    catalog.delete("modelVersion", second.id, actor=ME)
    model = catalog.get("mlmodel", MODEL)
    catalog.delete("mlmodel", model.id, actor=ME, recursive=True)
    catalog.erase("table", ("table", f"{shop.schema}.t"), actor=ME, force=True)
    catalog.restore("mlmodel", model.id, actor=ME)
    assert catalog.get("modelVersion", first.id)
    with pytest.raises(NotFoundError):
        catalog.get("modelVersion", second.id)


def test_a_stage_is_asked_as_of_a_commit_and_any_spelling_finds(
    store: Store, registry: Registry
) -> None:
    version, _ = registry.version("caf\u00e9"), registry.version("b")
    registry.stage(version, "archived")
    before = store.sequence()
    registry.stage(version, "none")
    registry.catalog.rename("mlmodel", MODEL, "attrition", actor=ME)
    model = registry.catalog.get("mlmodel", ("mlmodel", "headwater.attrition")).id
    for selector in ("archived", "cafe\u0301", "1"):
        found = registry.versions.find(model, selector, as_of=before)
        assert (found.name, doc(found)["stage"]) == ("caf\u00e9", "archived")
    registry.versions.set_alias(version.id, "e\u0301", actor=ME)
    assert registry.versions.find(model, "\u00e9").id == version.id
    registry.versions.delete_alias(version.id, "e\u0301", actor=ME)


def test_versions_put_in_bulk_are_numbered(registry: Registry) -> None:
    names = [*(f"v{number}" for number in range(5)), "latest"]
    items = [{"name": name, "mlmodel": MODEL[1]} for name in names]
    result = registry.catalog.put_bulk("modelVersion", items, actor=BOT)
    assert [doc(each)["number"] for each in result.written] == [1, 2, 3, 4, 5]
    assert [each["index"] for each in result.failed] == [5]


def test_a_model_is_deleted_and_restored_with_its_versions(registry: Registry) -> None:
    version = registry.version("a", algorithm="A")
    registry.stage(version, "production")
    registry.catalog.delete("mlmodel", MODEL, actor=ME, recursive=True, force=True)
    gone = registry.catalog.get("mlmodel", MODEL, include_deleted=True)
    registry.catalog.restore("mlmodel", gone.id, actor=ME)
    assert registry.find("production") == "a"


def test_a_versions_sources_are_frozen_with_its_own_edges(
    registry: Registry, lineage: LineageService
) -> None:
    registry.shop.table("t", "a", "b")
    version = registry.version("v", features={"age": ["t.a", "loose"]})
    frozen = doc(version)["frozenSources"]
    assert [(each["feature"], each["name"]) for each in frozen] == [("age", "a"), ("age", "loose")]
    assert frozen[0]["tableVersion"] == "0.1"
    assert "columnId" in frozen[0]
    assert "columnId" not in frozen[1]
    reached = lineage.impact(f"{registry.shop.schema}.t.a")["models"]
    assert [each["kind"] for each in reached] == ["modelVersion"]
    with pytest.raises(ConflictError, match="another version"):
        registry.version("v", features={"age": ["t.b"]})
    described = registry.catalog.patch(
        "modelVersion", version.id, {"description": "spring"}, actor=ME
    )
    assert doc(described)["frozenSources"] == frozen


def test_a_put_that_leaves_the_features_out_keeps_what_their_sources_resolved_to(
    registry: Registry,
) -> None:
    registry.shop.table("t", "a")
    version = registry.version("v", features={"age": ["t.a", "loose"]})
    again = registry.version("v", algorithm="XGBoost")
    assert doc(again)["mlFeatures"] == doc(version)["mlFeatures"]
    assert "columnId" in doc(again)["mlFeatures"][0]["featureSources"][0]


def test_a_restored_version_is_tied_to_the_column_that_came_meanwhile(
    registry: Registry, lineage: LineageService
) -> None:
    registry.shop.table("t", "a")
    version = registry.version("v", features={"age": ["t.late"]})
    registry.catalog.delete("modelVersion", version.id, actor=ME)
    registry.shop.table("t", "a", "late")
    registry.catalog.restore("modelVersion", version.id, actor=ME)
    [entry] = doc(registry.catalog.get("modelVersion", version.id))["frozenSources"]
    assert entry["resolvedLater"] is True
    reached = lineage.impact(f"{registry.shop.schema}.t.late")["models"]
    assert [each["fullyQualifiedName"] for each in reached] == ["headwater.churn.v"]


def test_a_source_that_waits_is_named_below_its_version_after_a_rename(
    registry: Registry, lineage: LineageService
) -> None:
    version = registry.version("v", features={"age": ["loose"]})
    registry.catalog.rename("modelVersion", version.id, "z", actor=ME)
    renamed = doc(registry.catalog.get("modelVersion", version.id))
    fqn = "headwater.churn.z.age.loose"
    assert renamed["mlFeatures"][0]["featureSources"][0]["fullyQualifiedName"] == fqn
    walked = lineage.walk(version.id, kind="modelVersion", upstream=1, level="column")
    assert fqn in {node["fullyQualifiedName"] for node in walked["nodes"]}


def test_frozen_lineage_is_not_deleted(registry: Registry, lineage: LineageService) -> None:
    registry.shop.table("t", "a")
    version = registry.version("v", features={"age": ["t.a"]})
    edge = {"fromEntity": f"table:{registry.shop.schema}.t", "toEntity": {"id": version.id}}
    with pytest.raises(ConflictError, match="trained on"):
        lineage.delete_edge(edge, actor=ME)


def test_an_unresolved_frozen_source_is_tied_once_and_said_to_be_late(
    store: Store, registry: Registry, lineage: LineageService
) -> None:
    registry.shop.table("t", "a")
    version = registry.version("v", features={"age": ["t.later"]})
    before = store.sequence()
    registry.shop.table("t", "a", "later")
    [entry] = doc(registry.catalog.get("modelVersion", version.id))["frozenSources"]
    assert entry["resolvedLater"] is True
    assert lineage.impact(f"{registry.shop.schema}.t.later")["total"] == 1
    assert registry.catalog.get("modelVersion", version.id).version == version.version
    then = doc(registry.catalog.get("modelVersion", version.id, as_of=before))
    assert "columnId" not in then["frozenSources"][0]


def test_a_frozen_source_that_waits_finds_its_column_after_a_rename(
    registry: Registry, lineage: LineageService
) -> None:
    registry.shop.table("t", "a")
    version = registry.version("v", features={"age": ["t.later"]})
    registry.catalog.patch("modelVersion", version.id, {"description": "spring"}, actor=ME)
    schema = ("databaseSchema", registry.shop.schema)
    registry.shop.schema = registry.catalog.rename("databaseSchema", schema, "s", actor=ME).fqn
    registry.shop.table("t", "a", "later")
    assert lineage.impact(f"{registry.shop.schema}.t.later")["total"] == 1


def test_later_changes_of_the_table_leave_the_frozen_sources(
    registry: Registry, lineage: LineageService
) -> None:
    registry.shop.table("t", "a", "b")
    version = registry.version("v", features={"age": ["t.a"]})
    registry.shop.table("t", "b")
    assert doc(registry.catalog.get("modelVersion", version.id))["frozenSources"][0]["name"] == "a"
    found = lineage.impact(f"column:{registry.shop.schema}.t.a")
    assert found["root"]["dropped"] is True
    assert found["total"] == 1


def test_names_of_versions_follow_a_rename(registry: Registry) -> None:
    version = registry.version("a")
    registry.stage(version, "production")
    registry.catalog.rename("modelVersion", version.id, "z", actor=ME)
    assert registry.model["lifecycle"]["serving"]["name"] == "z"
    registry.catalog.rename("mlmodel", MODEL, "attrition", actor=ME)
    found = registry.versions.find(("mlmodel", "headwater.attrition"), "production")
    assert found.fqn == "headwater.attrition.z"


def test_a_promotion_told_late_does_not_tell_anew_who_was_in_production(
    registry: Registry,
) -> None:
    first, second, third = (registry.version(name) for name in "abc")
    registry.stage(first, "production", effective_at=1_000)
    registry.stage(second, "production", effective_at=5_000)

    def held(at: int) -> list[str]:
        return [each["name"] for each in registry.versions.held_at(MODEL, "production", at)]

    with pytest.raises(InvalidInputError, match="'b' moved from none to production at 5000"):
        registry.stage(third, "production", effective_at=3_000)
    registry.stage(second, "archived", effective_at=6_000)
    with pytest.raises(InvalidInputError, match="settled"):
        registry.stage(third, "production", effective_at=3_000)
    with pytest.raises(InvalidInputError, match="from production to archived at 6000"):
        registry.stage(third, "production", effective_at=5_500)
    registry.stage(third, "production", effective_at=6_000)
    assert [held(at) for at in (3_000, 5_500, 6_000, 2**52)] == [["a"], ["b"], ["c"], ["c"]]


def test_what_stands_beside_others_may_be_told_late(registry: Registry) -> None:
    first, second, third = (registry.version(name) for name in "abc")
    registry.stage(first, "production", effective_at=5_000)
    registry.versions.set_alias(first.id, "staging", actor=ME, any_word=True)
    registry.stage(second, "production", effective_at=1_000, exclusive=False)
    registry.stage(third, "archived", effective_at=500)
    registry.stage(third, "staging", effective_at=600)
    held = registry.versions.held_at(MODEL, "production", 5_000)
    assert [each["name"] for each in held] == ["b", "a"]


def test_a_move_does_not_take_effect_before_the_one_it_follows(registry: Registry) -> None:
    version = registry.version("a")
    registry.stage(version, "production", effective_at=5_000)
    registry.versions.set_alias(version.id, "champion", actor=ME)
    with pytest.raises(InvalidInputError, match="5000"):
        registry.stage(version, "none", effective_at=4_999)
    registry.stage(version, "none", effective_at=5_000)
    assert registry.versions.held_at(MODEL, "production", 5_000) == []


def test_a_move_is_recorded_when_it_has_happened(registry: Registry) -> None:
    version = registry.version("a")
    with pytest.raises(InvalidInputError, match="in the future"):
        registry.stage(version, "production", effective_at=1_900_000_000_000_000)
    assert registry.versions.held_at(MODEL, "production", 2**52) == []
