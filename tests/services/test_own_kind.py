"""A kind of an organisation's own schema file, in use on both engines: no class, no code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.catalog.search import SearchService
from headwater.errors import InvalidInputError, NotFoundError
from headwater.lineage import LineageService
from headwater.schemas import use_folder
from headwater.store import Store, open_store
from tests.schemas.new_kind import NOTEBOOK, REQUEST
from tests.schemas.own import make_folder, no_folder_afterwards
from tests.services.shop import BOT, ME


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[None]:
    """The folder with the kind, in use before the store is opened."""
    with no_folder_afterwards():
        use_folder(make_folder(tmp_path, notebook=NOTEBOOK))
        yield


@pytest.fixture
def notebook(folder: None, catalog: CatalogService) -> Written:
    catalog.put("mlmodelService", {"name": "lab"}, actor=ME)
    catalog.put("mlmodel", {"name": "churn", "algorithm": "GBM"}, actor=ME)
    return catalog.create("notebook", REQUEST, actor=ME)


def doc(written: Written) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.document)
    return document


def test_it_is_written_merged_and_versioned(catalog: CatalogService, notebook: Written) -> None:
    assert notebook.fqn == "lab.explore churn"
    assert not catalog.put("notebook", REQUEST, actor=ME).changed
    catalog.patch("notebook", notebook.id, {"description": "First look."}, actor=ME)
    machine = {**REQUEST, "language": "r", "description": "Overwritten?"}
    ported = catalog.put("notebook", machine, actor=BOT)

    assert ported.version == "1.0"
    assert doc(ported)["description"] == "First look."
    assert [v.version for v in catalog.versions("notebook", notebook.id)] == ["1.0", "0.2", "0.1"]
    dropped = catalog.patch(
        "notebook", notebook.id, [{"op": "remove", "path": "/cells/1"}], actor=ME
    )
    assert dropped.version == "2.0"
    assert doc(dropped)["changeDescription"]["fieldsDeleted"][0]["name"] == "cells.fit"


def test_what_its_schema_refuses_is_refused_with_pointers(
    catalog: CatalogService, notebook: Written
) -> None:
    wrong = {**REQUEST, "language": "cobol", "cells": [{"name": "a", "runs": 1001}], "pages": 3}
    with pytest.raises(InvalidInputError, match="not a valid notebook: ") as refused:
        catalog.put("notebook", wrong, actor=ME)

    assert {fault["pointer"]: fault["message"] for fault in refused.value.errors} == {
        "/language": "should be one of 'python', 'r', 'sql'",
        "/cells/0/runs": "should be at most 1000",
        "/pages": "is not a property of this type",
    }
    with pytest.raises(InvalidInputError, match=r"there is no mlmodel 'headwater\.gone'"):
        catalog.put("notebook", {**REQUEST, "trains": "headwater.gone"}, actor=ME)
    twice = [{"name": "a"}, {"name": "a"}]
    with pytest.raises(InvalidInputError, match="/cells/1/name: 'a' stands at /cells/0 already"):
        catalog.put("notebook", {**REQUEST, "cells": twice}, actor=ME)


def test_it_refers_and_is_listed_and_deleted(catalog: CatalogService, notebook: Written) -> None:
    assert doc(notebook)["trains"]["fullyQualifiedName"] == "headwater.churn"
    (found,) = catalog.list("notebook", parent="lab").records
    assert found.id == notebook.id
    catalog.delete("notebook", notebook.id, actor=ME)
    with pytest.raises(NotFoundError):
        catalog.get("notebook", notebook.id)
    catalog.restore("notebook", notebook.id, actor=ME)
    assert catalog.get("notebook", ("notebook", "lab.explore churn")).id == notebook.id


def test_lineage_runs_through_it(
    catalog: CatalogService, lineage: LineageService, notebook: Written
) -> None:
    model = catalog.get("mlmodel", ("mlmodel", "headwater.churn"))
    edge = {"fromEntity": "notebook:lab.explore churn", "toEntity": "mlmodel:headwater.churn"}
    lineage.put_edge(edge, actor=ME)

    seen = lineage.walk(model.id, kind="mlmodel", upstream=1)

    assert {node["kind"] for node in seen["nodes"]} == {"notebook", "mlmodel"}
    assert [each["from"] for each in seen["edges"]] == [notebook.id]


def test_search_finds_it() -> None:
    with closing(open_store("sqlite://")) as store:
        catalog = CatalogService(store)
        catalog.put("mlmodelService", {"name": "lab"}, actor=ME)
        catalog.put("notebook", {**REQUEST, "trains": None}, actor=ME)
        search = SearchService(store)
        for asked in ("explore", "lab explore", "fit"):  # its name, its path, one of its cells
            found = search.search(asked, filters={"kind": ["notebook"]})
            assert [each["name"] for each in found["data"]] == ["explore churn"], asked
        assert search.search("explore")["facets"]["kind"] == {"notebook": 1}


def test_search_finds_it_though_somebody_without_its_file_searched_first(
    store: Store, notebook: Written, tmp_path: Path
) -> None:
    search = SearchService(store)
    use_folder(None)
    assert search.search("churn")["total"]
    use_folder(make_folder(tmp_path, notebook=NOTEBOOK))
    assert "notebook" in {each["kind"] for each in search.search("churn")["data"]}


def test_search_leaves_out_a_kind_whose_file_is_gone(store: Store, notebook: Written) -> None:
    search = SearchService(store)
    assert {each["kind"] for each in search.search("churn")["data"]} == {"mlmodel", "notebook"}
    use_folder(None)
    found = search.search("churn")
    assert [each["kind"] for each in found["data"]] == ["mlmodel"]
    assert (found["total"], found["facets"]["kind"]) == (1, {"mlmodel": 1})


def test_stages_of_a_kind_are_its_own(tmp_path: Path) -> None:
    stage = {"type": "string", "description": "How far it is."}
    trial = {**NOTEBOOK, "title": "Trial", "required": [], "properties": {"stage": stage}}
    trial |= {"x-headwater": {"kind": "trial", "collection": "trials"}, "$defs": {}}
    trial["$id"] = str(NOTEBOOK["$id"]).replace("notebook", "trial")
    use_folder(make_folder(tmp_path / "own", trial=trial))
    with closing(open_store("sqlite://")) as store:
        catalog = CatalogService(store)
        made = catalog.put("trial", {"name": "a", "stage": "draft"}, actor=ME)
        draft = {"stage": ["draft"]}
        assert [each.id for each in catalog.list("trial", filters=draft).records] == [made.id]
        assert SearchService(store).search("", filters=draft)["total"] == 1
        with pytest.raises(InvalidInputError, match="not 'draft'"):
            catalog.list("mlmodel", filters=draft)
