"""Entities that hold a property in the form of an earlier schema: all of them still work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService
from headwater.catalog.archive import export_catalog, import_catalog
from headwater.catalog.doctor import examine
from headwater.catalog.search import SearchService
from headwater.errors import InvalidInputError
from headwater.schemas import use_folder
from headwater.store import Store, open_store
from tests.schemas.new_kind import NOTEBOOK
from tests.schemas.own import make_folder, no_folder_afterwards
from tests.services.shop import BOT, ME

Use = Callable[[str], None]
MODEL = ("mlmodel", "headwater.churn")
_ENTITY = {"$ref": "common.json#/$defs/EntityReference"}
_NOTE = {"$ref": "#/$defs/NotebookNote"}
_TIED = {"keyedBy": "name", "tieBreaker": "about"}
_LIST = {"type": "array"}
FORMS: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({"type": "string"}, "plain"),
    "model's name": ({"type": "string"}, "headwater.churn"),
    "number": ({"type": "integer", "minimum": 0, "maximum": 9}, 3),
    "reference": ({**_ENTITY, "x-headwater": {"reference": ["mlmodel"]}}, "headwater.churn"),
    "other kind": ({**_ENTITY, "x-headwater": {"reference": ["mlmodelService"]}}, "lab"),
    "object": (_NOTE, {"name": "n", "about": "headwater.churn"}),
    "texts": ({**_LIST, "items": {"type": "string"}}, ["a", "b"]),
    "references": (
        {**_LIST, "items": _ENTITY, "x-headwater": {"reference": ["mlmodel"]}},
        ["headwater.churn"],
    ),
    "objects": ({**_LIST, "items": _NOTE}, [{"name": "n", "about": "headwater.churn"}]),
    "twins": ({**_LIST, "items": _NOTE}, [{"name": "n"}, {"name": "n"}]),
    "keyed": (
        {**_LIST, "items": _NOTE, "x-headwater": _TIED},
        [{"name": "n", "about": "headwater.churn"}, {"name": "m"}],
    ),
    "columns": (
        {
            **_LIST,
            "items": {"$ref": "column.json"},
            "x-headwater": {"keyedBy": "name", "part": "column"},
        },
        [{"name": "n", "dataType": "INT"}],
    ),
}
"""What a property may be, and a value of it."""


WHOLE = ("text", "reference", "object", "texts", "references", "keyed", "columns")
PAIRS = [
    *permutations(WHOLE, 2),
    *[("reference", "other kind"), ("other kind", "reference"), ("model's name", "reference")],
    *[("number", "object"), ("references", "objects"), ("objects", "keyed"), ("keyed", "objects")],
    *[("twins", "keyed"), ("twins", "columns")],
]
STORED = [pair for pair in PAIRS if pair[0] != "text" and {*pair} & {"reference", "columns"}]
"""Those whose references and parts the engine has of its own."""


def schema(form: str) -> dict[str, Any]:
    """Notebooks that hold a property of a form, in themselves and in their cells."""
    out = deepcopy(NOTEBOOK)
    prop = {**FORMS[form][0], "description": "What it holds."}
    out["properties"]["held"] = prop
    if form != "columns":
        out["$defs"]["NotebookCell"]["properties"]["held"] = prop
    if "NotebookNote" in json.dumps(prop):
        out["$defs"]["NotebookNote"] = {
            "title": "NotebookNote",
            "description": "A note.",
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "description": "Its name."},
                "about": {
                    **_ENTITY,
                    "description": "The model that it is about.",
                    "x-headwater": {"reference": ["mlmodel"]},
                },
            },
        }
    return out


def body(name: str, form: str) -> dict[str, Any]:
    """A request of a notebook that holds a value of a form."""
    value = FORMS[form][1]
    cell = {"name": "load"} | ({"held": value} if form != "columns" else {})
    return {
        "name": name,
        "service": "lab",
        "language": "python",
        "description": "Before.",
        "held": value,
        "cells": [cell, {"name": "fit"}],
    }


@pytest.fixture(autouse=True)
def use(tmp_path: Path) -> Iterator[Use]:
    """Puts a schema into use whose property has a form; one is before the store is opened."""

    def put(form: str) -> None:
        use_folder(make_folder(tmp_path / "own", notebook=schema(form)))

    with no_folder_afterwards():
        put("text")
        yield put


def key(name: str) -> tuple[str, str]:
    return "notebook", f"lab.{name}"


def document(catalog: CatalogService, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(catalog.get("notebook", key(name)).document)
    return found


def tried(write: Callable[[], Any]) -> bool:
    """Whether a write is done; what refuses it says where, and what to do."""
    refusal: InvalidInputError | None = None
    try:
        write()
    except InvalidInputError as error:
        refusal = error
    if refusal is None:
        return True
    pointers = [each["pointer"] for each in refusal.errors]
    assert pointers, refusal.message
    assert all(each.startswith(("/held", "/cells/")) for each in pointers), refusal.message
    assert "earlier schema" in refusal.message
    return False


def check_reads(store: Store, catalog: CatalogService, name: str, folder: Path) -> None:
    """Everything that reads answers an entity in its old form."""
    document(catalog, name)
    listed = catalog.list("notebook", limit=100, filters={"owner": ["ann"]}).records
    assert name in [each.name for each in listed]
    hits = SearchService(store).search(name, filters={"kind": ["notebook"]})["data"]
    assert [each["name"] for each in hits] == [name]
    assert catalog.versions("notebook", key(name))
    catalog.diff("notebook", key(name), "0.1", "0.2")
    catalog.provenance("notebook", key(name))
    catalog.get("notebook", key(name), as_of=store.sequence())
    file = folder / f"{name}.ndjson"
    for root in (None, ("mlmodelService", "lab")):
        export_catalog(store, file, root=root, replace=True)
        with closing(open_store("sqlite://")) as other:
            import_catalog(other, file)
            import_catalog(other, file, merge=True)
            assert other.find(key(name))


def refused(store: Store, name: str) -> bool:
    """Whether the doctor names an entity as one that its schema refuses."""
    found = {each.check: each.examples for each in examine(store).findings}
    spelled = f"notebook:lab.{name} "
    return any(each.startswith(spelled) for each in found.get("refusedBySchema", ()))


@pytest.mark.parametrize(
    ("store", "old", "new"),
    [
        *[("sqlite", *pair) for pair in PAIRS],
        *[pytest.param("neo4j", *pair, marks=pytest.mark.neo4j) for pair in STORED],
    ],
    indirect=["store"],
)
def test_entities_outlive_a_retyped_property(
    old: str, new: str, use: Use, store: Store, catalog: CatalogService, tmp_path: Path
) -> None:
    use(old)
    names = ["moved", "put", "gone", "told", "same"]
    catalog.put("user", {"name": "ann"}, actor=ME)
    catalog.put("mlmodelService", {"name": "lab"}, actor=ME)
    catalog.put("mlmodel", {"name": "churn", "algorithm": "GBM"}, actor=ME)
    for name in names:
        catalog.put("notebook", {**body(name, old), "owners": ["ann"]}, actor=ME)
        catalog.patch("notebook", key(name), {"description": "After."}, actor=ME)
    use(new)
    check_reads(store, catalog, "moved", tmp_path)
    before = document(catalog, "moved")

    # What does not speak of the property leaves it as it is.
    plain = {n: v for n, v in body("moved", old).items() if n not in ("held", "cells")}
    catalog.put("notebook", {**plain, "description": "Again."}, actor=ME)
    catalog.put("notebook", {**plain, "displayName": "Moved"}, actor=BOT)
    catalog.put_bulk("notebook", [{**plain, "description": "Bulk."}], actor=ME)
    catalog.preview("notebook", [{**plain, "description": "Preview."}], actor=ME)
    catalog.release("notebook", key("moved"), "description", actor=ME)
    catalog.rename("notebook", key("moved"), "elsewhere", actor=ME)
    catalog.rename("notebook", key("elsewhere"), "moved", actor=ME)
    catalog.delete("notebook", key("moved"), actor=ME)
    catalog.restore("notebook", before["id"], actor=ME)
    if document(catalog, "moved")["held"] == before["held"]:
        kept = document(catalog, "moved")["cells"]
        assert [each.get("held") for each in kept] == [each.get("held") for each in before["cells"]]
    else:  # it was made a part
        assert new == "columns"

    # A patch has to mend what the schema refuses; the doctor knows.
    ill = refused(store, "moved")
    done = tried(lambda: catalog.patch("notebook", key("moved"), {"displayName": "A"}, actor=ME))
    assert done or ill
    tried(lambda: catalog.patch("notebook", key("moved"), {"displayName": "B"}, actor=BOT))
    tried(lambda: catalog.revert("notebook", key("moved"), "0.1", actor=ME))
    wanted = [
        {"op": "replace", "path": f"/{name}", "value": body("moved", new)[name]}
        for name in ("held", "cells")
    ]
    mended = json.loads(catalog.patch("notebook", key("moved"), wanted, actor=ME).document)
    assert not refused(store, "moved")
    catalog.diff("notebook", key("moved"), "0.1", mended["version"])
    tried(lambda: catalog.revert("notebook", key("moved"), "0.1", actor=ME))

    # So does a put that names it, and a patch that takes it out.
    catalog.put("notebook", body("put", new), actor=ME)
    if new != "columns":
        assert not refused(store, "put")
    out = [{"op": "remove", "path": "/held"}, {"op": "remove", "path": "/cells"}]
    catalog.patch("notebook", key("gone"), out, actor=ME)
    assert not refused(store, "gone")
    catalog.put("notebook", body("told", new), actor=BOT)

    # Targets are renamed and erased around it.
    catalog.rename("mlmodel", MODEL, "leave", actor=ME)
    catalog.erase("mlmodel", ("mlmodel", "headwater.leave"), actor=ME, force=True)
    document(catalog, "same")

    use(old)  # and back
    check_reads(store, catalog, "told", tmp_path)
    tried(lambda: catalog.patch("notebook", key("told"), {"displayName": "A"}, actor=ME))
    catalog.patch("notebook", key("told"), {"held": None, "cells": None}, actor=ME)
    catalog.delete("mlmodelService", ("mlmodelService", "lab"), actor=ME, recursive=True)
    catalog.erase("mlmodelService", ("mlmodelService", "lab"), actor=ME, recursive=True)
