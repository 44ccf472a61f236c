"""Archives into stores that hold something, and branches: by id, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.archive import export_catalog, import_catalog
from headwater.catalog.archive.merge import Merged
from headwater.catalog.doctor import examine
from headwater.catalog.service import BUILT_IN_ID
from headwater.errors import ConflictError, NotFoundError
from headwater.lineage import LineageService
from headwater.store import Store, open_store
from headwater.store.base import EntityWrite, Record, WriteSet
from headwater.store.draft import load
from tests.services.engine import PAIRS, open_engine
from tests.services.lively import catalog_over, live, shop_over
from tests.services.shop import BOT, ME, Shop, tick

CHURN = ("mlmodel", "headwater.churn")
T5 = ("table", "wh.main.shop.t5")


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """A catalog with a past, and a store with a catalog of its own."""
    engines = request.param
    with closing(open_engine(engines[0], request)) as source:
        live(source)
        with closing(open_engine(engines[1], request)) as target:
            catalog_over(target).put("domain", {"name": "here"}, actor=ME)
            yield source, target


@pytest.fixture
def twins(pair: tuple[Store, Store], tmp_path: Path) -> tuple[Store, Store]:
    """The catalog and another that has all of it."""
    send(*pair, tmp_path / "twins.ndjson")
    return pair


def send(source: Store, target: Store, file: Path, **options: Any) -> Merged:
    export_catalog(source, file, replace=True, **options)
    merged = import_catalog(target, file, merge=True).merged
    assert merged is not None
    return merged


def get(store: Store, key: tuple[str, str]) -> Record:
    found = store.find(key)
    assert found is not None
    return found


def snapshot(store: Store) -> list[object]:
    return [list(store.dump("states")), list(store.dump("edges")), store.sequence()]


def described(store: Store, key: tuple[str, str], text: str) -> None:
    tick()
    catalog_over(store).patch(key[0], key, {"description": text}, actor=ME)


# Into a store that holds something


def test_what_was_not_there_comes_with_its_past(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = pair
    before = target.sequence()
    merged = send(source, target, tmp_path / "a.ndjson")
    assert target.sequence() == before + 1
    states = list(source.dump("states"))
    present = [row for row in states if row.references is not None]  # type: ignore[union-attr]  # rows of states
    assert merged.added == len(present) - 1  # the built-in service is in both
    assert (merged.same, merged.replaced, merged.kept) == (1, [], [])
    for key in (CHURN, T5):
        ours, theirs = get(target, key), get(source, key)
        assert ours._replace(seq=0) == theirs._replace(seq=0)
        assert [bare(each) for each in target.versions(ours.id)] == [
            bare(each) for each in source.versions(ours.id)
        ]
        assert target.referrers([ours.id]) == source.referrers([ours.id])
        assert target.nodes(owner_ids=[ours.id]) == source.nodes(owner_ids=[ours.id])
    assert [e.fqn for e in catalog_over(target).list("domain").records] == ["here"]


def bare(record: Record) -> tuple[int, str, str]:
    return record.rev, record.version, record.document


def test_open_edges_come_and_closed_ones_do_not(twins: tuple[Store, Store]) -> None:
    source, target = twins
    kept = {(e.key, e.details) for e in edges(source) if e.closed_seq is None}
    assert {(e.key, e.details) for e in edges(target)} == kept
    walks = [
        LineageService(store).walk(CHURN, upstream=9, level=level)
        for store in twins
        for level in ("entity", "feature", "column")
    ]
    assert walks[:3] == walks[3:]


def edges(store: Store) -> list[Any]:
    return list(store.dump("edges"))


def test_records_come_and_sign_in_does_not(twins: tuple[Store, Store]) -> None:
    _, target = twins
    types = [entry.type for entry in target.entries(entity_ids=[get(target, CHURN).id])]
    assert types.count("follower") == types.count("metric") == 1
    ours, theirs = ([e[2:] for e in s.entries(entity_ids=[get(s, CHURN).id])] for s in twins)
    assert [each for each in ours if each[4] != "signIn"] == theirs
    assert {each[1] for each in theirs} >= {"ada", BOT.name, ME.name}
    assert target.entries(keys=["on"], types=["signIn"]) == []


def test_what_came_is_found_and_told(twins: tuple[Store, Store]) -> None:
    _, target = twins
    created = [e.event.fqn for e in target.events(limit=1000) if e.event.type == "entityCreated"]
    assert "headwater.churn" in created
    assert {e.actor for e in target.events(after=3)} == {"import"}


def test_importing_again_changes_nothing(twins: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = twins
    before = snapshot(target)
    merged = send(source, target, tmp_path / "again.ndjson")
    assert (merged.added, merged.replaced, merged.kept, merged.edges) == (0, [], [], 0)
    assert snapshot(target) == before


def test_later_state_wins_and_the_report_says_so(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    described(target, T5, "Theirs came later.")
    described(source, T5, "Later.")
    described(source, CHURN, "Ours came later.")
    described(target, CHURN, "Later here.")
    before = get(target, T5)
    merged = send(source, target, tmp_path / "again.ndjson")
    assert (merged.replaced, merged.kept) == (
        ["table:wh.main.shop.t5"],
        ["mlmodel:headwater.churn"],
    )
    after = get(target, T5)
    document = load(after)
    assert document["description"] == "Later."
    assert (after.rev, after.version) == (before.rev + 1, "0.4")
    assert document["changeDescription"]["fieldsUpdated"][0]["how"] == "import"
    assert load(get(target, CHURN))["description"] == "Later here."
    assert send(source, target, tmp_path / "third.ndjson").replaced == []
    catalog_over(target).put(
        "table", {"name": "t5", "databaseSchema": "wh.main.shop", "description": "No."}, actor=BOT
    )
    assert load(get(target, T5))["description"] == "Later."  # the person's origin came along


def test_replaced_state_brings_its_parts_and_edges(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    ours = Shop(catalog_over(source), "wh.main.shop")
    theirs = Shop(catalog_over(target), "wh.main.shop")
    theirs.table("t0", "id", "age", "here")
    theirs.model("other", features={"a": ["t0.here"]})
    send(target, source, tmp_path / "there.ndjson")
    tick()
    ours.table("t0", "id", "age", "there", "more")
    ours.model("other", features={"b": ["t0.there", "t0.waits"]})
    merged = send(source, target, tmp_path / "back.ndjson")
    assert merged.replaced == ["mlmodel:headwater.other", "table:wh.main.shop.t0"]
    for key in (("mlmodel", "headwater.other"), ("table", "wh.main.shop.t0")):
        owner = get(source, key).id
        assert target.nodes(owner_ids=[owner]) == source.nodes(owner_ids=[owner])
        producer = f"entity:{owner}"
        assert [e.key for e in target.edges(producer=producer)] == [
            e.key for e in source.edges(producer=producer)
        ]
    theirs.table("t0", "id", "age", "there", "more", "waits")
    sources = load(get(target, ("mlmodel", "headwater.other")))["mlFeatures"][0]["featureSources"]
    assert all("columnId" in each for each in sources)


def test_edges_that_were_closed_here_stay_closed(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    ends = {
        "fromEntity": {"type": "table", "fullyQualifiedName": "wh.main.shop.t0"},
        "toEntity": {"type": "table", "fullyQualifiedName": "wh.main.shop.t1"},
    }
    LineageService(target).delete_edge(ends, actor=ME)
    assert send(source, target, tmp_path / "a.ndjson").edges == 0
    ids = [get(target, ("table", f"wh.main.shop.{name}")).id for name in ("t0", "t1")]
    assert [e.key.level for e in target.edges(from_ids=ids[:1], to_ids=ids[1:])] == ["suppressed"]


def test_edges_from_columns_that_were_dropped_here_are_told(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    column = next(each for each in json.loads(get(target, T5).document)["columns"])
    edge = {
        "fromEntity": {"type": "column", "id": column["id"]},
        "toEntity": {"type": "mlmodel", "fullyQualifiedName": CHURN[1]},
    }
    LineageService(source).put_edge(edge, actor=ME)
    tick()
    catalog_over(target).patch(*T5_ARGS, {"columns": [{"name": "z", "dataType": "INT"}]}, actor=ME)
    told = [f"column:{column['fullyQualifiedName']} → mlmodel:{CHURN[1]}"]
    before = {each.check: each.count for each in examine(target).findings}.get("brokenLineage", 0)
    assert send(source, target, tmp_path / "a.ndjson").broken == told
    after = {each.check: each.count for each in examine(target).findings}["brokenLineage"]
    assert after == before + 1
    assert send(source, target, tmp_path / "a.ndjson").broken == []


def test_deletion_on_one_side_alone_changes_nothing(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    catalog_over(source).delete(*T5_ARGS, actor=ME)
    merged = send(source, target, tmp_path / "a.ndjson")
    assert merged.kept == ["table:wh.main.shop.t5"]
    assert not get(target, T5).deleted
    catalog_over(target).delete(*T5_ARGS, actor=ME)
    catalog_over(source).restore("table", get(source, T5).id, actor=ME)
    assert send(source, target, tmp_path / "b.ndjson").kept == ["table:wh.main.shop.t5"]
    assert get(target, T5).deleted


T5_ARGS = (T5[0], T5)


def test_clashes_are_all_named_and_nothing_is_written(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    shop = shop_over(catalog_over(target))
    shop.table("t1", "other")
    before = snapshot(target)
    with pytest.raises(
        ConflictError, match=r"nothing was imported, because entities clash \(4\):"
    ) as caught:
        send(source, target, tmp_path / "a.ndjson")
    clashing = caught.value.details["clashes"]
    assert [each.split(" is ")[0] for each in clashing] == [
        "database 'wh.main'",
        "databaseSchema 'wh.main.shop'",
        "databaseService 'wh'",
        "table 'wh.main.shop.t1'",
    ]
    assert all(each in caught.value.message for each in clashing)
    assert snapshot(target) == before


def test_renamed_and_erased_entities_clash(twins: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = twins
    catalog = catalog_over(target)
    catalog.rename("user", ("user", "ada"), "ada.l", actor=ME)
    catalog.erase("table", ("table", "wh.main.shop.t4 (old)"), actor=ME)
    with pytest.raises(ConflictError) as caught:
        send(source, target, tmp_path / "a.ndjson")
    assert caught.value.details["clashes"] == [
        "table 'wh.main.shop.t4 (old)' was erased here",
        "user 'ada' is called user '\"ada.l\"' here; let it have one name in both",
    ]


def test_new_versions_of_a_model_that_is_here_clash(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    body = {"name": "third", "mlmodel": "headwater.churn"}
    catalog_over(source).put("modelVersion", body, actor=BOT)
    with pytest.raises(ConflictError, match="is a version of a model that is here with versions"):
        send(source, target, tmp_path / "a.ndjson")


def test_stage_that_would_hide_what_is_here_clashes(
    twins: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = twins
    for name in ("third", "shadow"):
        catalog_over(source).put("modelStage", {"name": name}, actor=ME)
    body = {"name": "Third", "mlmodel": "headwater.churn"}
    catalog_over(target).put("modelVersion", body, actor=ME)
    versions = catalog_over(target).model_versions
    versions.set_alias(versions.find(CHURN, "first").id, "Shadow", actor=ME)
    before = snapshot(target)
    with pytest.raises(ConflictError) as caught:
        send(source, target, tmp_path / "a.ndjson")
    assert caught.value.details["clashes"] == [
        "modelStage 'shadow' would hide the alias 'Shadow' of mlmodel 'headwater.churn' here",
        "modelStage 'third' would hide modelVersion 'headwater.churn.Third' here",
    ]
    assert snapshot(target) == before


def test_what_a_stage_here_would_hide_clashes(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = pair
    versions = catalog_over(source).model_versions
    versions.set_alias(versions.find(CHURN, "first").id, "Shadow", actor=ME)
    for name in ("second", "shadow"):
        catalog_over(target).put("modelStage", {"name": name}, actor=ME)
    with pytest.raises(ConflictError) as caught:
        send(source, target, tmp_path / "a.ndjson", root=CHURN)
    assert caught.value.details["clashes"] == [
        "modelStage 'second' here would hide modelVersion 'headwater.churn.second'",
        "modelStage 'shadow' here would hide the alias 'Shadow' of mlmodel 'headwater.churn'",
    ]


def test_alias_that_a_stage_of_the_archive_hides_too_comes(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    for store in pair:
        catalog_over(store).put("modelStage", {"name": "shadow"}, actor=ME)
    versions = catalog_over(source).model_versions
    versions.set_alias(versions.find(CHURN, "first").id, "shadow", actor=ME, any_word=True)
    send(source, target, tmp_path / "a.ndjson")
    assert load(get(target, CHURN))["lifecycle"]["aliases"]


def test_what_has_no_place_here_clashes(twins: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = twins
    Shop(catalog_over(source), "wh.main.shop").table("new", "id")
    catalog_over(target).delete(
        "databaseService", ("databaseService", "wh"), actor=ME, recursive=True
    )
    with pytest.raises(ConflictError, match=r"databaseSchema 'wh\.main\.shop' is deleted"):
        send(source, target, tmp_path / "a.ndjson")


def test_stages_stay_as_they_are_here(twins: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = twins
    versions = catalog_over(target).model_versions
    first = versions.find(CHURN, "first")
    versions.set_stage(first.id, "production", actor=ME, force=True)
    described(source, CHURN, "Later.")
    send(source, target, tmp_path / "a.ndjson")
    document = load(get(target, CHURN))
    assert document["description"] == "Later."
    assert document["lifecycle"]["serving"]["name"] == "first"
    assert document["algorithm"] == "Forest first"


# The built-in service


def test_every_store_has_the_built_in_service_under_one_id(store: Store) -> None:
    catalog_over(store)
    catalog_over(store)
    assert get(store, ("mlmodelService", "headwater")).id == BUILT_IN_ID
    assert store.sequence() == 1


def test_built_in_service_of_an_older_store_is_taken_for_the_one_here(
    store: Store, tmp_path: Path
) -> None:
    with closing(open_store("sqlite://")) as older:
        renumber_built_in(older)
        shop = shop_over(catalog_over(older))
        shop.table("t", "c")
        shop.model(features={"f": ["t.c"]})
        catalog_over(store)
        merged = send(older, store, tmp_path / "a.ndjson")
    model = get(store, CHURN)
    assert merged.kept == []
    assert model.parent_id == BUILT_IN_ID
    assert load(model)["service"]["id"] == BUILT_IN_ID
    assert store.referrers([BUILT_IN_ID]) == [(BUILT_IN_ID, model.id, "service")]
    assert [each.name for each in store.descendants(BUILT_IN_ID)] == ["churn"]


def renumber_built_in(store: Store) -> None:
    """Make the built-in service as releases made it that gave it an id at random."""
    id_ = "01a00000-0000-7000-8000-000000000001"
    with closing(open_store("sqlite://")) as new:
        catalog_over(new)
        record = get(new, ("mlmodelService", "headwater"))
    write = EntityWrite(
        id_, record.kind, record.fqn, record.name, None, record.version, 0,
        record.document.replace(BUILT_IN_ID, id_), origins=record.origins,
    )  # fmt: skip
    store.commit(WriteSet("headwater", "bot", "headwater", 1, entities=(write,)))


# Branches


def test_branch_goes_into_an_empty_store(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, _ = pair
    export_catalog(source, tmp_path / "a.ndjson", root=CHURN)
    with closing(open_store("sqlite://")) as empty:
        merged = import_catalog(empty, tmp_path / "a.ndjson").merged
        assert merged is not None
        assert bare(get(empty, CHURN)) == bare(get(source, CHURN))
        assert len(empty.versions(get(empty, CHURN).id)) == get(source, CHURN).rev
        assert len(empty.versions(get(empty, T5).id)) == 1  # around it, as it is now
        assert [each.name for each in empty.descendants(get(empty, CHURN).id)] == [
            "first", "second",
        ]  # fmt: skip
        assert empty.find(("table", "wh.main.shop.t0")) is None
        walks = [LineageService(s).walk(CHURN, upstream=1, level="column") for s in (source, empty)]
        assert walks[0]["nodes"] == walks[1]["nodes"]
        catalog = catalog_over(empty)
        body = {"name": "churn", "algorithm": "Forest second", "description": "No."}
        catalog.put("mlmodel", body, actor=BOT)
        assert load(get(empty, CHURN))["description"] == "What a person wrote."


def test_branch_brings_the_stages_that_its_versions_are_in(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    for name in ("shadow", "unused"):
        catalog_over(source).put("modelStage", {"name": name, "exclusive": True}, actor=ME)
    versions = catalog_over(source).model_versions
    versions.set_stage(versions.find(CHURN, "first").id, "shadow", actor=ME)
    merged = send(source, target, tmp_path / "a.ndjson", root=CHURN)
    assert merged.kept == []
    there = catalog_over(target)
    assert there.model_versions.find(CHURN, "shadow").name == "first"
    assert [each.name for each in there.list("modelStage").records] == ["shadow"]
    assert "unknownStages" not in {each.check for each in examine(target).findings}
    with pytest.raises(ConflictError, match="which one version has to itself"):
        there.model_versions.set_stage(
            there.model_versions.find(CHURN, "second").id, "shadow", actor=ME
        )


def test_stage_of_one_name_is_the_one_here(pair: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = pair
    catalogs = catalog_over(source), catalog_over(target)
    for catalog, exclusive in zip(catalogs, (True, False), strict=True):
        catalog.put("modelStage", {"name": "shadow", "exclusive": exclusive}, actor=ME)
    versions = catalogs[0].model_versions
    versions.set_stage(versions.find(CHURN, "first").id, "shadow", actor=ME)
    send(source, target, tmp_path / "a.ndjson", root=CHURN)
    (stage,) = catalogs[1].list("modelStage").records
    assert load(stage)["exclusive"] is False
    assert catalogs[1].model_versions.find(CHURN, "shadow").name == "first"


def test_branch_of_a_schema_has_its_tables_and_no_model(
    pair: tuple[Store, Store], tmp_path: Path
) -> None:
    source, target = pair
    merged = send(source, target, tmp_path / "a.ndjson", root=get(source, SCHEMA).id)
    names = {each.record.fqn for each in target.dump("states")}  # type: ignore[union-attr]  # rows of states
    assert names == {"headwater", "here", "wh", "wh.main", "wh.main.shop", *TABLES}
    assert merged.added == 9
    assert get(target, ("table", "wh.main.shop.t3")).deleted


SCHEMA = ("databaseSchema", "wh.main.shop")
TABLES = {f"wh.main.shop.{name}" for name in ("t0", "t1", "t2", "t3", "t4 (old)", "t5", "t4")}


def test_branch_overwrites_nothing_around_it(twins: tuple[Store, Store], tmp_path: Path) -> None:
    source, target = twins
    described(source, T5, "Later.")
    described(source, CHURN, "Later, too.")
    merged = send(source, target, tmp_path / "a.ndjson", root=CHURN)
    assert merged.replaced == ["mlmodel:headwater.churn"]
    assert merged.kept == ["table:wh.main.shop.t5"]


def test_branch_leaves_out_what_is_newer_than_its_commit(store: Store, tmp_path: Path) -> None:
    from headwater.catalog.archive.branch import branch_rows

    shop = live(store)
    seq, root = store.sequence(), get(store, CHURN)
    before = list(branch_rows(store, seq, root))
    shop.table("t5", "id", "age", actor=BOT)
    shop.table("t1", "id", "age", actor=BOT)
    described(store, CHURN, "Newer.")
    body = {"name": "third", "mlmodel": "headwater.churn"}
    written = shop.catalog.put("modelVersion", body, actor=BOT)
    shop.catalog.model_versions.set_stage(written.id, "production", actor=ME, force=True)
    assert list(branch_rows(store, seq, root)) == before


def test_missing_root_is_named(store: Store, tmp_path: Path) -> None:
    catalog_over(store)
    with pytest.raises(NotFoundError, match=r"there is no table 'a\.b' to export"):
        export_catalog(store, tmp_path / "a.ndjson", root=("table", "a.b"))
    assert list(tmp_path.iterdir()) == []


def test_documents_are_the_source_s_byte_for_byte(twins: tuple[Store, Store]) -> None:
    source, target = twins
    model = get(source, CHURN)
    assert json.loads(get(target, CHURN).origins) == json.loads(model.origins)
    assert isinstance(CatalogService(target).get("mlmodel", CHURN).document, str)
    assert get(target, CHURN).document == model.document
