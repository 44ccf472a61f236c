"""An organisation's own kinds from a process that has none of their schema files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater import (
    EntityReference,
    Headwater,
    InvalidInputError,
    KindClient,
    MlModel,
    NotFoundError,
    OwnEntity,
    PreconditionError,
)
from headwater.schemas import kinds
from tests.sdk.server import running_server

REFERENCE = {"$ref": "common.json#/$defs/EntityReference"}
NOTEBOOK: dict[str, Any] = {
    "title": "Notebook",
    "description": "A notebook that explores data or trains a model.",
    "type": "object",
    "x-headwater": {"kind": "notebook", "collection": "notebooks"},
    "required": ["language"],
    "properties": {
        "language": {
            "type": "string",
            "minLength": 1,
            "description": "What it is written in.",
            "x-headwater": {"major": ["updated"], "searchable": True},
        },
        "lastRun": {"type": "integer", "description": "When it ran."},
        "labels": {"type": "array", "items": {"type": "string"}, "description": "Words."},
        "trains": {
            **REFERENCE,
            "description": "The model that it trains.",
            "x-headwater": {"reference": ["mlmodel"]},
        },
    },
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that has notebooks, which this process knows nothing of."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "schemas").mkdir()
    (folder / "schemas" / "notebook.json").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    store = f"sqlite:///{folder}/headwater.db"
    with running_server(store, "--schemas", str(folder / "schemas")) as address:
        assert "notebook" not in kinds()
        yield address


@pytest.fixture
def hw(url: str) -> Iterator[Headwater]:
    """A client of the server, emptied of notebooks."""
    with Headwater(url) as client:
        for each in client.list("notebook"):
            client.erase(each)
        yield client


@pytest.fixture
def notebooks(hw: Headwater) -> KindClient[Any]:
    """The client of the kind."""
    return hw.kind("notebook")


def test_fields_go_by_both_spellings(hw: Headwater, notebooks: KindClient[Any]) -> None:
    hw.create_or_update({"name": "churn", "algorithm": "A"}, kind=MlModel)
    trains = EntityReference(fullyQualifiedName="headwater.churn")
    made = notebooks.create(name="explore", language="r", last_run=5, trains=trains)
    assert isinstance(made, OwnEntity)
    assert (made.last_run, made.lastRun) == (5, 5)
    assert made.trains.fully_qualified_name == "headwater.churn"
    assert made.fullyQualifiedName == made.fully_qualified_name == "explore"
    assert made.labels is None
    with pytest.raises(AttributeError):
        _ = made.langauge
    assert notebooks.get("explore") == notebooks.find(id=made.id) == hw.get("notebooks", made.id)
    assert notebooks.find("nope") is None


def test_a_change_is_written_and_only_it(notebooks: KindClient[Any]) -> None:
    made = notebooks.put({"name": "explore", "language": "r", "labels": ["a"]})
    made.lastRun = 7
    made.labels.append("b")
    changed = notebooks.update(made)
    assert changed.version == "0.2"
    names = {each.name for each in changed.change_description.fields_updated or []}
    assert names | {each.name for each in changed.change_description.fields_added} == {
        "labels",
        "lastRun",
    }
    changed.language = "sql"
    assert notebooks.update(changed).version == "1.0"
    made.last_run = 8
    with pytest.raises(PreconditionError):
        notebooks.update(made)


def test_what_the_schema_does_not_know_is_kept_and_refused_by_the_server(
    notebooks: KindClient[Any],
) -> None:
    made = notebooks.put(name="explore", language="r")
    made.some_field = 3
    assert made.someField == made.some_field == 3
    with pytest.raises(InvalidInputError) as failed:
        notebooks.update(made)
    assert failed.value.errors[0]["pointer"] == "/someField"
    with pytest.raises(InvalidInputError) as failed:
        notebooks.create(name="other", language="")
    assert failed.value.errors[0]["pointer"] == "/language"


def test_many_at_once_are_previewed_and_written(notebooks: KindClient[Any]) -> None:
    requests = [{"name": f"n{n}", "language": "r", "last_run": n} for n in range(3)]
    assert [each["action"] for each in notebooks.preview(requests)] == ["create"] * 3
    assert notebooks.bulk(requests).created == 3
    assert [each.last_run for each in notebooks.list()] == [0, 1, 2]


def test_it_is_deleted_restored_renamed_reverted_and_found(
    hw: Headwater, notebooks: KindClient[Any]
) -> None:
    notebooks.put(name="explore", language="r", description="about churn")
    assert notebooks.delete("explore").deleted
    with pytest.raises(NotFoundError):
        notebooks.get("explore")
    assert notebooks.restore("notebook:explore").language == "r"
    made = notebooks.rename("explore", "look")
    notebooks.put(name="look", language="sql")
    assert notebooks.revert("look", "0.1").language == "r"
    assert [each.language for each in notebooks.versions(made)][:2] == ["r", "sql"]
    assert hw.resolve("notebook:look").id == hw.resolve("look").id == made.id
    (hit,) = hw.search("churn", kind="notebook")
    assert isinstance(hit, OwnEntity)
    assert hit.id == made.id
    assert [e["type"] for e in hw.events(kinds="notebook")][-1] == "entityUpdated"
    assert hw.lineage("look", kind="notebook").root.kind == "notebook"
    notebooks.erase(made)
    assert notebooks.find(id=made.id, deleted=True) is None


def test_kinds_that_ship_keep_their_classes(hw: Headwater) -> None:
    models = hw.kind(MlModel)
    made = models.put(
        name="m", algorithm="A", ml_features=[{"name": "f", "data_type": "numerical"}]
    )
    assert isinstance(made, MlModel)
    assert hw.kind("mlmodels").entity_class is MlModel
    with pytest.raises(InvalidInputError) as failed:
        models.put(name="m", algorithm=5)
    assert failed.value.errors[0]["pointer"] == "/algorithm"


def test_a_kind_that_nobody_has_is_refused_with_those_there_are(hw: Headwater) -> None:
    with pytest.raises(InvalidInputError, match="notebook"):
        hw.kind("nonsense")


def test_a_process_with_the_schema_files_needs_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.schemas import use_folder

    (tmp_path / "notebook.json").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    monkeypatch.setenv("HEADWATER_SCHEMAS", str(tmp_path))
    try:
        with Headwater.open(":memory:") as hw:
            made = hw.kind("notebook").put(name="explore", language="r")
            made.last_run = 3
            assert hw.update(made).lastRun == 3
    finally:
        use_folder(None)


def test_entities_that_a_newer_schema_refuses_are_read_and_deleted(tmp_path: Path) -> None:
    stricter = {
        **NOTEBOOK,
        "required": ["language", "topic", "trains"],
        "properties": {
            **NOTEBOOK["properties"],
            "topic": {"type": "string", "description": "What it is about."},
            "lastRun": {
                **REFERENCE,
                "description": "The model that it made last.",
                "x-headwater": {"reference": ["mlmodel"]},
            },
        },
    }
    file = tmp_path / "notebook.json"
    options = (f"sqlite:///{tmp_path}/headwater.db", "--schemas", str(tmp_path))
    file.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    with running_server(*options) as url, Headwater(url) as hw:
        hw.kind("notebook").create(name="explore", language="r")
        hw.kind("notebook").create(name="retyped", language="r", lastRun=5)
    file.write_text(json.dumps(stricter), encoding="utf-8")
    with running_server(*options) as url, Headwater(url) as hw:
        notebooks = hw.kind("notebook")
        found, retyped = notebooks.list()
        assert (found.language, found.topic, found.trains) == ("r", None, None)
        assert retyped.last_run == 5
        assert notebooks.delete("explore").deleted
        assert notebooks.restore(found).id == found.id
        assert [each.version for each in notebooks.versions("explore")] == ["0.3", "0.2", "0.1"]
        found = notebooks.get("explore")
        found.description = "d"
        with pytest.raises(InvalidInputError) as refused:
            notebooks.update(found)
        assert {each["pointer"] for each in refused.value.errors} == {"/topic", "/trains"}
