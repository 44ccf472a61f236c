"""The doctor: what it finds in a store, on both engines, and that it changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headwater.catalog import CatalogService, TokenService
from headwater.catalog.doctor import Finding, examine
from headwater.lineage import LineageService
from headwater.store import Store
from headwater.store.base import Part, WriteSet
from headwater.store.draft import Draft, load, now_ms, same_version
from tests.services.lively import live
from tests.services.shop import BOT, ME, Shop


def found(store: Store) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(store).findings}


def test_healthy_store_is_counted(store: Store, shop: Shop) -> None:
    shop.table("t", "c")
    gone = shop.table("gone", "c")
    shop.model(features={"f": ["t.c"]})
    shop.catalog.delete("table", gone.id, actor=ME)
    diagnosis = examine(store)
    assert diagnosis.healthy
    assert diagnosis.findings == []
    assert diagnosis.sequence == store.sequence()
    assert diagnosis.counts["table"] == {"live": 1, "deleted": 1}
    assert "tag" not in diagnosis.counts


def test_examining_changes_nothing(store: Store) -> None:
    live(store)
    before = [list(store.dump(section)) for section in ("commits", "states", "edges", "entries")]
    examine(store)
    assert [
        list(store.dump(section)) for section in ("commits", "states", "edges", "entries")
    ] == before


def test_lineage_out_of_what_is_gone_is_broken(store: Store, shop: Shop) -> None:
    shop.table("t", "kept", "dropped", actor=BOT)
    shop.table("deleted", "c", actor=BOT)
    shop.model(features={"f": ["t.kept", "t.dropped", "deleted.c"]})
    shop.table("t", "kept", actor=BOT)
    shop.catalog.delete("table", ("table", f"{shop.schema}.deleted"), actor=ME)
    broken = found(store)["brokenLineage"]
    assert (broken.problem, broken.count) == (True, 3)
    assert sorted(broken.examples) == [
        "column:wh.main.shop.deleted.c (deleted) → mlFeature:headwater.churn.f",
        "column:wh.main.shop.t.dropped (dropped) → mlFeature:headwater.churn.f",
        "table:wh.main.shop.deleted (deleted) → mlmodel:headwater.churn",
    ]
    assert not examine(store).healthy


def test_lineage_into_what_is_gone_is_not_broken(store: Store, shop: Shop) -> None:
    shop.table("t", "c")
    shop.model(features={"f": ["t.c"]})
    shop.catalog.delete("mlmodel", ("mlmodel", "headwater.churn"), actor=ME)
    assert found(store) == {}


def test_references_to_what_is_deleted_are_named(store: Store, shop: Shop) -> None:
    shop.table("t", "c")
    shop.catalog.put("team", {"name": "science"}, actor=ME)
    owners = [{"type": "team", "fullyQualifiedName": "science"}]
    shop.model(owners=owners)
    shop.model("gone", owners=owners)
    shop.catalog.delete("mlmodel", ("mlmodel", "headwater.gone"), actor=ME)
    shop.catalog.delete("team", ("team", "science"), actor=ME)
    dangling = found(store)["deletedTargets"]
    assert (dangling.problem, dangling.count) == (True, 1)
    assert dangling.examples == ["mlmodel:headwater.churn owners → team:science"]


def test_sources_that_wait_are_a_note(store: Store, shop: Shop) -> None:
    shop.table("t", "c")
    shop.model(features={"f": ["t.later", "somewhere"]})
    waiting = found(store)["unresolvedSources"]
    assert (waiting.problem, waiting.count) == (False, 2)
    assert sorted(waiting.examples) == ["headwater.churn.f.somewhere", "wh.main.shop.t.later"]
    assert examine(store).healthy


def test_production_without_lineage_is_a_problem(
    store: Store, shop: Shop, catalog: CatalogService
) -> None:
    shop.table("t", "c")
    for name, features in (("bare", {}), ("fed", {"f": ["t.c"]}), ("tied", {}), ("idle", {})):
        shop.model(name, features=features)
        body = {"name": "v", "mlmodel": f"headwater.{name}", "algorithm": "Trees"}
        version = catalog.put("modelVersion", body, actor=ME)
        stage = "staging" if name == "idle" else "production"
        catalog.model_versions.set_stage(version.id, stage, actor=ME)
    ends = {
        "fromEntity": {"type": "table", "fullyQualifiedName": "wh.main.shop.t"},
        "toEntity": {"type": "mlmodel", "fullyQualifiedName": "headwater.tied"},
    }
    LineageService(store).put_edge(ends, actor=ME)
    bare = found(store)["productionWithoutLineage"]
    assert (bare.problem, bare.examples) == (True, ["mlmodel:headwater.bare"])


def test_versions_in_a_stage_that_is_gone_are_a_problem(
    store: Store, shop: Shop, catalog: CatalogService
) -> None:
    shop.model()
    stage = catalog.put("modelStage", {"name": "shadow"}, actor=ME)
    version = catalog.create_model_version(("mlmodel", "headwater.churn"), {}, actor=ME)
    catalog.model_versions.set_stage(version.id, "shadow", actor=ME)
    assert found(store) == {}
    store.commit(WriteSet("ada", "person", None, 0, erased=(stage.id,)))  # as older imports left it
    lost = found(store)["unknownStages"]
    assert (lost.problem, lost.examples) == (True, ["modelVersion:headwater.churn.1 (shadow)"])
    catalog.model_versions.set_stage(version.id, "staging", actor=ME)
    assert "unknownStages" not in found(store)


def test_names_that_find_another_version_are_a_note(
    store: Store, shop: Shop, catalog: CatalogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.model()
    versions = catalog.model_versions
    for name in ("shadow", "spring", "summer", "3b"):
        catalog.put("modelVersion", {"name": name, "mlmodel": "headwater.churn"}, actor=ME)
    ids = {
        name: versions.find(("mlmodel", "headwater.churn"), name).id for name in ("3b", "spring")
    }
    versions.set_alias(ids["spring"], "canary", actor=ME)
    versions.set_alias(ids["spring"], "spring", actor=ME)
    versions.set_stage(ids["spring"], "staging", actor=ME)
    versions.set_alias(ids["spring"], "staging", actor=ME, any_word=True)  # one and the same
    assert found(store) == {}
    monkeypatch.setattr("headwater.catalog.stage.hidden_by", lambda *_: ())
    for name in ("shadow", "canary"):  # as earlier releases let a merge bring them
        catalog.put("modelStage", {"name": name}, actor=ME)
    versions.set_alias(ids["3b"], "summer", actor=ME, any_word=True)
    versions.set_alias(ids["3b"], "3", actor=ME, any_word=True)  # a number: hides nothing
    hidden = found(store)["hiddenNames"]
    assert (hidden.problem, hidden.count) == (False, 3)
    assert sorted(hidden.examples) == [
        "alias 'canary' of mlmodel:headwater.churn (a stage)",
        "modelVersion:headwater.churn.shadow (a stage)",
        "modelVersion:headwater.churn.summer (an alias)",
    ]


def test_a_name_that_is_not_below_its_parents_is_told_and_mended_by_a_rename(
    store: Store, shop: Shop
) -> None:
    made = shop.catalog.get("table", shop.table("t", "c").id)
    name = "wh.main.other.t"
    document = load(made)
    document["fullyQualifiedName"] = name
    document["columns"][0]["fullyQualifiedName"] = f"{name}.c"
    parts = [Part(document["columns"][0]["id"], "column", f"{name}.c", "c")]
    write = same_version(made, document, (), parts, fqn=name)
    Draft(entities=[write]).commit(store, ME)
    misplaced = found(store)["misplacedNames"]
    assert (misplaced.problem, misplaced.count) == (True, 1)
    assert misplaced.examples == ["table:wh.main.other.t → wh.main.shop.t"]
    shop.catalog.rename("table", made.id, "t", actor=ME)
    assert found(store) == {}
    columns = load(shop.catalog.get("table", made.id))["columns"]
    assert columns[0]["fullyQualifiedName"] == "wh.main.shop.t.c"


def test_tags_that_exclude_each_other_by_now_are_told(store: Store, shop: Shop) -> None:
    catalog = shop.catalog
    level = catalog.put("classification", {"name": "Level"}, actor=ME)
    for name in ("low", "high"):
        catalog.put("tag", {"name": name, "classification": "Level"}, actor=ME)
    both = ["Level.high", "Level.low"]
    columns = [
        {"name": "x", "dataType": "INT"},
        {"name": "c", "dataType": "INT", "tags": both},
    ]
    body = {"name": "t", "databaseSchema": shop.schema, "tags": ["Level.low"], "columns": columns}
    catalog.put("table", body, actor=ME)
    catalog.put("team", {"name": "ops", "tags": both}, actor=ME)
    gone = catalog.put("team", {"name": "gone", "tags": both}, actor=ME)
    catalog.delete("team", gone.id, actor=ME)
    assert found(store) == {}
    catalog.patch("classification", level.id, {"mutuallyExclusive": True}, actor=ME)
    crowded = found(store)["exclusiveTags"]
    assert (crowded.problem, crowded.count) == (True, 2)
    assert crowded.examples == [
        "table:wh.main.shop.t /columns/1/tags Level.high, Level.low",
        "team:ops /tags Level.high, Level.low",
    ]
    catalog.patch("team", ("team", "ops"), {"tags": ["Level.low"]}, actor=ME)
    assert found(store)["exclusiveTags"].count == 1


def test_dropped_events_are_a_note(store: Store, shop: Shop) -> None:
    shop.table("t", "c")
    store.commit(WriteSet("ada", "person", None, 0, events_before=4))
    dropped = found(store)["droppedEvents"]
    assert (dropped.problem, dropped.count) == (False, 3)
    assert "number 4" in dropped.text


def test_expired_tokens_are_counted_and_not_named(
    store: Store, catalog: CatalogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = TokenService(store, catalog)
    for life in (timedelta(hours=1), timedelta(hours=2), None):
        tokens.create("ada", role="viewer", expires_in=life, actor=ME)
    assert found(store) == {}
    later = now_ms() + 90 * 60 * 1000
    monkeypatch.setattr("headwater.catalog.doctor.now_ms", lambda: later)
    expired = found(store)["expiredTokens"]
    assert (expired.problem, expired.count, expired.examples) == (False, 1, [])
