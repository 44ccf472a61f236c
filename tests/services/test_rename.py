"""Renaming: what lies below and what refers follows in the same commit, without versions."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from headwater.store import Record, Store
from tests.services.shop import ME, Shop


def read(catalog: CatalogService, kind: str, fqn: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(catalog.get(kind, (kind, fqn)).document)
    return document


def test_a_rename_reaches_everything_below_and_everything_that_refers(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    table = shop.table("t", "a")
    model = shop.model(features={"age": ["t.a", "t.nowhere"]})
    events = store.events(limit=1000)
    before = store.sequence()

    written = catalog.rename("database", ("database", "wh.main"), "core", actor=ME)

    assert store.sequence() == before + 1
    assert written.fqn == "wh.core"
    assert written.version == "0.2"
    found = read(catalog, "table", "wh.core.shop.t")
    assert found["id"] == table.id
    assert found["version"] == "0.1"
    assert found["databaseSchema"]["fullyQualifiedName"] == "wh.core.shop"
    assert found["columns"][0]["fullyQualifiedName"] == "wh.core.shop.t.a"
    tied, loose = read(catalog, "mlmodel", model.fqn)["mlFeatures"][0]["featureSources"]
    assert tied["fullyQualifiedName"] == "wh.core.shop.t.a"
    assert tied["dataSource"]["fullyQualifiedName"] == "wh.core.shop.t"
    assert loose["fullyQualifiedName"] == "wh.core.shop.t.nowhere"
    assert catalog.get("mlmodel", model.id).version == model.version
    new = store.events(after=events[-1].number)
    assert [(each.event.type, each.event.fqn) for each in new] == [("entityRenamed", "wh.core")]
    assert json.loads(new[0].event.payload)["previousFullyQualifiedName"] == "wh.main"
    with pytest.raises(NotFoundError):
        catalog.get("table", ("table", "wh.main.shop.t"))
    reached = lineage.impact("wh.core.shop.t.a")
    assert [each["fullyQualifiedName"] for each in reached["models"]] == ["headwater.churn"]


def test_a_source_that_waits_finds_its_column_after_a_rename(
    catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("t", "a")
    shop.model(features={"age": ["t.later"]})
    catalog.rename("databaseSchema", ("databaseSchema", shop.schema), "store", actor=ME)
    shop.schema = "wh.main.store"
    shop.table("t", "a", "later")
    assert lineage.impact("wh.main.store.t.later")["total"] == 1


def test_a_later_write_of_the_model_keeps_the_new_names(
    catalog: CatalogService, shop: Shop
) -> None:
    shop.table("t", "a")
    shop.model(features={"age": ["t.a"]})
    catalog.rename("table", ("table", f"{shop.schema}.t"), "u", actor=ME)
    again = shop.model(features={"age": ["u.a"]})
    assert not again.changed
    assert f"{shop.schema}.u.a" in again.document


def test_names_that_only_look_alike_stay(catalog: CatalogService, shop: Shop) -> None:
    catalog.put("mlmodelService", {"name": "wh"}, actor=ME)
    shop.table("t", "a")
    model = shop.model("m", service="wh", features={"age": ["t.a"]})
    catalog.rename("databaseService", ("databaseService", "wh"), "lake", actor=ME)
    feature = read(catalog, "mlmodel", model.fqn)["mlFeatures"][0]
    assert feature["fullyQualifiedName"] == "wh.m.age"
    assert feature["featureSources"][0]["fullyQualifiedName"] == "lake.main.shop.t.a"


def test_a_name_that_is_taken_or_impossible_is_refused(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "a")
    shop.table("u", "a")
    key = ("table", f"{shop.schema}.t")
    with pytest.raises(AlreadyExistsError):
        catalog.rename("table", key, "u", actor=ME)
    with pytest.raises(InvalidInputError):
        catalog.rename("table", key, "", actor=ME)
    with pytest.raises(InvalidInputError, match="rename"):
        catalog.patch("table", key, {"name": "v"}, actor=ME)
    catalog.delete("table", ("table", f"{shop.schema}.u"), actor=ME)
    with pytest.raises(AlreadyExistsError, match="soft-deleted"):
        catalog.rename("table", key, "u", actor=ME)


def test_the_same_name_changes_nothing(catalog: CatalogService, shop: Shop) -> None:
    shop.table("t", "a")
    assert not catalog.rename("table", ("table", f"{shop.schema}.t"), "t", actor=ME).changed


def test_the_past_keeps_its_names(store: Store, catalog: CatalogService, shop: Shop) -> None:
    table = shop.table("t", "a")
    before = store.sequence()
    catalog.rename("table", table.id, "u", actor=ME)
    assert catalog.get("table", table.id, as_of=before).fqn.endswith(".t")
    assert catalog.get("table", table.id).fqn.endswith(".u")


def test_writers_beside_a_rename_leave_no_old_name(
    store: Store, catalog: CatalogService, shop: Shop
) -> None:
    shop.table("t0", "a")

    def write(number: int) -> None:
        schema = catalog.list("databaseSchema", limit=1).records[0]
        try:
            catalog.put(
                "table", {"name": f"n{number}", "databaseSchema": {"id": schema.id}}, actor=ME
            )
            catalog.put(
                "mlmodel",
                {
                    "name": f"m{number}",
                    "algorithm": "RF",
                    "mlFeatures": [
                        {
                            "name": "f",
                            "featureSources": [
                                {"name": "a", "dataSource": {"id": table_id, "type": "table"}}
                            ],
                        }
                    ],
                },
                actor=ME,
            )
        except NotFoundError:
            pass

    table_id = catalog.get("table", ("table", f"{shop.schema}.t0")).id
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(write, number) for number in range(24)]
        for number in range(6):
            catalog.rename(
                "databaseSchema",
                catalog.list("databaseSchema", limit=1).records[0].id,
                f"s{number}",
                actor=ME,
            )
        for job in jobs:
            job.result()
    for record in [
        *catalog.list("table", limit=100).records,
        *catalog.list("mlmodel", limit=100).records,
    ]:
        assert "wh.main.s5" in record.document or record.kind == "mlmodel"
        spelled = {word for word in record.document.split('"') if word.startswith("wh.main.")}
        stale = {w for w in spelled if not w.startswith("wh.main.s5")}
        current = json.loads(record.document)
        current.pop("changeDescription", None)
        assert not {w for w in stale if w in json.dumps(current)}, record.fqn


@pytest.fixture
def made_meanwhile(store: Store, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """FQN of a table that is made right after somebody read what lies below its schema."""
    below, waiting = store.descendants, ["t"]

    def descendants(entity_id: str) -> list[Record]:
        found = below(entity_id)
        while waiting:
            shop.table(waiting.pop(), "a")
        return found

    monkeypatch.setattr(store, "descendants", descendants)
    return f"{shop.schema}.t"


@pytest.mark.usefixtures("made_meanwhile")
def test_what_is_made_below_while_a_rename_reads_gets_the_new_name(
    catalog: CatalogService, shop: Shop
) -> None:
    """By its own name, too, not only where it spells that of its parent."""
    catalog.rename("databaseSchema", ("databaseSchema", shop.schema), "core", actor=ME)
    made = read(catalog, "table", "wh.main.core.t")
    assert made["databaseSchema"]["fullyQualifiedName"] == "wh.main.core"
    assert made["columns"][0]["fullyQualifiedName"] == "wh.main.core.t.a"


def test_what_is_made_below_while_an_erasure_reads_is_erased_with_it(
    store: Store, catalog: CatalogService, shop: Shop, made_meanwhile: str
) -> None:
    key = ("databaseSchema", shop.schema)
    catalog.erase("databaseSchema", key, actor=ME, recursive=True)
    assert made_meanwhile == "wh.main.shop.t"
    assert store.find(("table", made_meanwhile)) is None


def test_a_dropped_column_goes_by_the_new_name_and_sources_are_still_tied_to_it(
    store: Store, catalog: CatalogService, lineage: LineageService, shop: Shop
) -> None:
    shop.table("t", "a", "gone")
    table = shop.table("t", "a")
    for kind, fqn, name in (("database", "wh.main", "core"), ("table", "wh.core.shop.t", "u")):
        catalog.rename(kind, (kind, fqn), name, actor=ME)
    (column,) = store.nodes(fqns=["wh.core.shop.u.gone"])
    assert (column.dropped, column.owner_id) == (True, table.id)
    assert store.nodes(fqns=["wh.main.shop.t.gone", "wh.core.shop.t.gone"]) == []
    source = {"name": "gone", "dataSource": {"id": table.id}}
    feature = {"name": "f", "featureSources": [source]}
    made = catalog.put(
        "mlmodel", {"name": "m", "algorithm": "x", "mlFeatures": [feature]}, actor=ME
    )
    (kept,) = json.loads(made.document)["mlFeatures"][0]["featureSources"]
    assert kept["columnId"] == column.id


def test_after_a_rename_what_was_deleted_together_comes_back_together(
    catalog: CatalogService, shop: Shop
) -> None:
    """A rename rewrites what is deleted, too, above it and by reference."""
    catalog.put("mlmodelService", {"name": "lab", "serviceType": "Mlflow"}, actor=ME)
    table, alone = shop.table("t", "a"), shop.table("alone", "a")
    model = shop.model("m", service="lab", features={"f": ["t.a"]})
    catalog.delete("table", alone.id, actor=ME)
    schema = catalog.delete(
        "databaseSchema", ("databaseSchema", shop.schema), actor=ME, recursive=True
    )
    lab = catalog.delete("mlmodelService", ("mlmodelService", "lab"), actor=ME, recursive=True)
    catalog.rename("database", ("database", "wh.main"), "core", actor=ME)

    catalog.restore("mlmodelService", lab.id, actor=ME)
    assert not catalog.get("mlmodel", model.id).deleted
    catalog.restore("databaseSchema", schema.id, actor=ME)
    assert catalog.get("table", table.id).fqn == "wh.core.shop.t"
    with pytest.raises(NotFoundError, match="is deleted"):
        catalog.get("table", alone.id)


def test_a_rename_reads_in_a_few_look_ups_however_much_lies_below(
    store: Store, catalog: CatalogService, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        shop.table(f"t{number}", "a")
    model = shop.model(features={"f": ["t7.a", "t8.a"]})
    calls = []
    for name in ("find", "find_many", "nodes", "edges", "descendants", "referrers"):
        inner = getattr(store, name)

        def counted(*args: Any, inner: Any = inner, **kwargs: Any) -> Any:
            calls.append(inner)
            return inner(*args, **kwargs)

        monkeypatch.setattr(store, name, counted)
    catalog.rename("database", ("database", "wh.main"), "core", actor=ME)
    assert len(calls) < 12
    assert '"wh.core.shop.t8.a"' in catalog.get("mlmodel", model.id).document


def test_what_is_referred_to_and_renamed_is_no_change_of_what_refers(
    catalog: CatalogService, shop: Shop
) -> None:
    catalog.put("classification", {"name": "C"}, actor=ME)
    tag = catalog.put("tag", {"name": "r", "classification": "C"}, actor=ME)
    one, two = (catalog.put("team", {"name": name}, actor=ME) for name in ("one", "two"))
    shop.table("t", "x")
    other = shop.table("u", "x")
    held: dict[str, Any] = {
        "tags": ["C.r"],
        "owners": ["one", "two"],
        "features": {"f": ["t.x", "u.x"]},
    }
    model = shop.model(**held)
    shop.model(license="MIT")
    for kind, id_, name in [
        ("tag", tag.id, "red"),
        ("table", other.id, "v"),
        ("team", one.id, "three"),
        ("team", two.id, "one"),  # the other's name
        ("team", one.id, "two"),
    ]:
        catalog.rename(kind, id_, name, actor=ME)
    for ends in (("0.1", "0.2"), ("0.2", "0.1")):
        told = catalog.diff("mlmodel", model.id, *ends)
        names = [each["name"] for group in told if "fields" in group for each in told[group]]
        assert names == ["license"]
    catalog.patch("mlmodel", model.id, {"owners": [{"id": two.id, "type": "team"}]}, actor=ME)
    gone = catalog.diff("mlmodel", model.id, "0.1", "0.3")["fieldsDeleted"]
    assert [(each["name"], each["oldValue"]["id"]) for each in gone] == [("owners.two", one.id)]


def test_another_of_a_name_that_was_erased_is_a_change(catalog: CatalogService, shop: Shop) -> None:
    first = catalog.put("team", {"name": "ops"}, actor=ME)
    model = shop.model(owners=["ops"])
    catalog.erase("team", first.id, actor=ME, force=True)
    second = catalog.put("team", {"name": "ops"}, actor=ME)
    now = shop.model(owners=["ops"])
    told = catalog.diff("mlmodel", model.id, model.version, now.version)
    assert [
        (each["name"], each["oldValue"]["id"], each["newValue"]["id"])
        for each in told["fieldsUpdated"]
    ] == [("owners.ops", first.id, second.id)]
