"""Entities of an own kind after its schema has changed: nothing of them is lost in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.archive import export_catalog
from headwater.catalog.doctor import Finding, examine
from headwater.catalog.search import SearchService
from headwater.errors import InvalidInputError
from headwater.lineage import LineageService
from headwater.schemas import use_folder
from headwater.store import Store
from tests.schemas.new_kind import NOTEBOOK, REQUEST
from tests.schemas.own import CUSTOM, make_folder, no_folder_afterwards
from tests.services.shop import BOT, ME

Rewrite = Callable[[Any, Any], None]
KEY = ("notebook", "lab.explore churn")
MODEL = {"name": "churn", "algorithm": "GBM"}
MOVED = [{"op": "move", "from": "/cells/1", "path": "/cells/0"}]
TEXT = {"type": "string", "description": "Text."}


@pytest.fixture(autouse=True)
def change(tmp_path: Path) -> Iterator[Rewrite]:
    """Puts schemas into use: of notebooks, and of what models have beside.

    The first are in use before the store is opened.
    """
    with no_folder_afterwards():

        def use(notebook: Any, extension: Any) -> None:
            for old in tmp_path.iterdir():
                old.unlink()
            files = {"notebook": notebook, "ml_model_extension": extension}
            use_folder(make_folder(tmp_path, **{n: file for n, file in files.items() if file}))

        use(WITH_TOPIC, CUSTOM)
        yield use


WITH_TOPIC: dict[str, Any] = deepcopy(NOTEBOOK)
WITH_TOPIC["properties"]["topic"] = TEXT
WITHOUT_RUNS: dict[str, Any] = deepcopy(NOTEBOOK)
del WITHOUT_RUNS["$defs"]["NotebookCell"]["properties"]["runs"]
REVIEWED = {"required": ["reviewer"]}
WITHOUT_RISK: dict[str, Any] = deepcopy(CUSTOM)
del WITHOUT_RISK["properties"]["risk"], WITHOUT_RISK["$defs"]["ModelRisk"]


@pytest.fixture
def fewer(change: Rewrite, catalog: CatalogService) -> None:
    """Entities with a topic, cells that ran and a risk, of which the schemas know no longer."""
    catalog.put("classification", {"name": "Color"}, actor=ME)
    catalog.put("tag", {"name": "red", "classification": "Color"}, actor=ME)
    catalog.put("mlmodelService", {"name": "lab"}, actor=ME)
    extension = {"risk": "low", "costCenter": "1"}
    catalog.put("mlmodel", {**MODEL, "extension": extension}, actor=ME)
    catalog.put("notebook", {**REQUEST, "topic": "churn", "tags": ["Color.red"]}, actor=ME)
    change(WITHOUT_RUNS, WITHOUT_RISK)


def notebook(catalog: CatalogService) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(catalog.get("notebook", KEY).document)
    return found


def held(catalog: CatalogService) -> tuple[Any, Any]:
    found = notebook(catalog)
    return found.get("topic"), {each["name"]: each.get("runs") for each in found["cells"]}


def test_what_a_schema_knows_no_longer_outlives_writes_that_do_not_speak_of_it(
    catalog: CatalogService, fewer: None
) -> None:
    id_, cells = notebook(catalog)["id"], [{"name": "fit"}, {"name": "load", "source": "s"}]
    body = {name: REQUEST[name] for name in ("name", "service", "language")}
    writes: list[Callable[[], Any]] = [
        lambda: catalog.rename("tag", ("tag", "Color.red"), "crimson", actor=ME),
        lambda: catalog.rename("mlmodel", ("mlmodel", "headwater.churn"), "leave", actor=ME),
        lambda: catalog.put("notebook", {**body, "language": "sql"}, actor=ME),
        lambda: catalog.put("notebook", {**body, "cells": cells}, actor=BOT),
        lambda: catalog.patch("notebook", KEY, {"displayName": "Explore"}, actor=ME),
        lambda: catalog.patch("notebook", KEY, {"sourceUrl": "http://b"}, actor=BOT),
        lambda: catalog.patch("notebook", KEY, MOVED, actor=ME),
        lambda: catalog.release("notebook", KEY, "displayName", actor=ME),
        lambda: catalog.revert("notebook", KEY, "0.1", actor=ME),
        lambda: catalog.delete("notebook", KEY, actor=ME),
        lambda: catalog.restore("notebook", id_, actor=ME),
    ]
    for number, write in enumerate(writes):
        before = catalog.get("notebook", id_, include_deleted=True).rev
        write()
        now = catalog.get("notebook", id_, include_deleted=True)
        assert now.rev > before, number
        if not now.deleted:
            assert held(catalog) == ("churn", {"load": 3, "fit": None}), number


def test_custom_properties_outlive_their_schema(
    catalog: CatalogService, fewer: None, change: Rewrite
) -> None:
    key = ("mlmodel", "headwater.churn")
    catalog.patch("mlmodel", key, {"extension": {"costCenter": "2"}}, actor=ME)
    catalog.put("mlmodel", {**MODEL, "extension": {"costCenter": "3"}}, actor=BOT)
    change(WITHOUT_RUNS, None)
    catalog.patch("mlmodel", key, {"description": "d"}, actor=ME)
    catalog.put("mlmodel", {**MODEL, "target": "left"}, actor=BOT)
    document = json.loads(catalog.get("mlmodel", key).document)
    assert document["extension"] == {"risk": "low", "costCenter": "3"}
    assert document["description"] == "d"


def test_a_patch_takes_away_what_the_schema_knows_no_longer_and_a_version_tells(
    catalog: CatalogService, fewer: None
) -> None:
    with pytest.raises(InvalidInputError, match="/topic: is not a property of this type"):
        catalog.patch("notebook", KEY, {"topic": "new"}, actor=ME)
    gone = [{"op": "remove", "path": path} for path in ("/topic", "/cells/0/runs")]
    document = json.loads(catalog.patch("notebook", KEY, gone, actor=ME).document)
    told = document["changeDescription"]["fieldsDeleted"]
    assert [(each["name"], each["oldValue"]) for each in told] == [
        ("cells.load.runs", 3),
        ("topic", "churn"),
    ]
    assert held(catalog) == (None, {"load": None, "fit": None})
    with pytest.raises(InvalidInputError, match="/topic: is not a property of this type"):
        catalog.patch("notebook", KEY, {"topic": "churn"}, actor=ME)


def test_what_lacks_a_newly_required_property_is_only_not_written(
    catalog: CatalogService, change: Rewrite
) -> None:
    catalog.put("mlmodelService", {"name": "lab"}, actor=ME)
    catalog.put("mlmodel", MODEL, actor=ME)
    id_ = catalog.put("notebook", REQUEST, actor=ME).id
    change({**WITH_TOPIC, "required": ["service", "language", "topic"]}, None)
    writes: list[Callable[[], Any]] = [
        lambda: catalog.put("notebook", REQUEST, actor=ME),
        lambda: catalog.patch("notebook", KEY, {"description": "d"}, actor=ME),
        lambda: catalog.revert("notebook", KEY, "0.1", actor=ME),
    ]
    for write in writes:
        with pytest.raises(InvalidInputError, match="/topic: is required") as refused:
            write()
        assert refused.value.errors == [{"pointer": "/topic", "message": "is required"}]
    catalog.rename("mlmodel", ("mlmodel", "headwater.churn"), "leave", actor=ME)
    catalog.delete("notebook", KEY, actor=ME)
    catalog.restore("notebook", id_, actor=ME)
    catalog.rename("notebook", KEY, "explore", actor=ME)
    catalog.rename("notebook", id_, KEY[1].partition(".")[2], actor=ME)
    catalog.erase("mlmodel", ("mlmodel", "headwater.leave"), actor=ME, force=True)
    assert "trains" not in notebook(catalog)
    assert not catalog.put("notebook", {**REQUEST, "trains": None, "topic": "t"}, actor=ME).created


def findings(store: Store) -> dict[str, Finding]:
    return {each.check: each for each in examine(store).findings}


def test_the_doctor_tells_of_values_that_no_schema_knows(
    store: Store, catalog: CatalogService, fewer: None, change: Rewrite
) -> None:
    told = findings(store)["unknownValues"]
    assert (told.problem, told.count) == (False, 2)
    assert told.examples == [
        "mlmodel:headwater.churn /extension/risk",
        "notebook:lab.explore churn /cells/0/runs, /topic",
    ]
    change(WITH_TOPIC, None)
    assert findings(store)["unknownValues"].examples == ["mlmodel:headwater.churn /extension"]
    change(WITH_TOPIC, CUSTOM)
    assert findings(store) == {}


def add_deleted(catalog: CatalogService) -> None:
    catalog.put("notebook", {**REQUEST, "name": "gone"}, actor=ME)
    catalog.delete("notebook", ("notebook", "lab.gone"), actor=ME)


def test_the_doctor_tells_of_entities_that_their_schema_refuses(
    store: Store, catalog: CatalogService, fewer: None, change: Rewrite
) -> None:
    change(WITH_TOPIC, CUSTOM)
    add_deleted(catalog)
    change({**WITH_TOPIC, "required": ["topic", "uses", "service"]}, {**CUSTOM, **REVIEWED})
    told = findings(store)["refusedBySchema"]
    assert (told.problem, told.count) == (True, 3)
    assert told.examples == [
        "mlmodel:headwater.churn /extension/reviewer is required",
        "notebook:lab.explore churn /uses is required",
        "notebook:lab.gone /topic is required, /uses is required",
    ]


def test_the_doctor_tells_of_kinds_without_a_schema(
    store: Store, catalog: CatalogService, fewer: None, change: Rewrite
) -> None:
    change(WITH_TOPIC, CUSTOM)
    add_deleted(catalog)
    change(None, CUSTOM)
    told = findings(store)["unknownKinds"]
    assert (told.problem, told.count, told.examples) == (True, 2, ["notebook (2)"])
    assert "HEADWATER_SCHEMAS" in told.text


def test_entities_whose_schema_is_missing_stop_nothing_that_reads(
    store: Store,
    catalog: CatalogService,
    lineage: LineageService,
    fewer: None,
    change: Rewrite,
    tmp_path: Path,
) -> None:
    edge = {"fromEntity": f"notebook:{KEY[1]}", "toEntity": "mlmodel:headwater.churn"}
    lineage.put_edge(edge, actor=ME)
    change(None, CUSTOM)
    model = catalog.get("mlmodel", ("mlmodel", "headwater.churn"))
    search = SearchService(store).search("churn")
    assert [each["kind"] for each in search["data"]] == ["mlmodel"]
    seen = lineage.walk(model.id, kind="mlmodel", upstream=2, as_of=store.sequence())
    assert {each["kind"] for each in seen["nodes"]} == {"notebook", "mlmodel"}
    read = lineage.tag_impact("Color.red")
    assert [each["fullyQualifiedName"] for each in read["models"]] == ["headwater.churn"]
    export_catalog(store, tmp_path / "all.ndjson")

    service = ("mlmodelService", "lab")
    refused: list[Callable[[], Any]] = [
        lambda: catalog.rename("tag", ("tag", "Color.red"), "crimson", actor=ME),
        lambda: catalog.delete("mlmodelService", service, actor=ME, recursive=True),
        lambda: catalog.erase("mlmodel", model.id, actor=ME, force=True),
        lambda: export_catalog(store, tmp_path / "lab.ndjson", root=service),
    ]
    for write in refused:
        with pytest.raises(InvalidInputError, match=f"no schema describes .*'{KEY[1]}' is; HEADW"):
            write()
