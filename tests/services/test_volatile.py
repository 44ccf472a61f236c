"""What the schemas call volatile: kept in the document, without a version or an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.store import Store
from tests.services.shop import BOT, ME

RUN = {"name": "monday", "pipeline": "airflow.train"}


@pytest.fixture(autouse=True)
def pipeline(catalog: CatalogService) -> None:
    catalog.put("pipelineService", {"name": "airflow"}, actor=ME)
    catalog.put("pipeline", {"name": "train", "service": "airflow"}, actor=ME)


def doc(written: Written) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.document)
    return document


def test_a_run_that_moves_on_keeps_its_version(catalog: CatalogService, store: Store) -> None:
    steps: list[Any] = [{"name": "fit", "status": "queued"}]
    first = catalog.put("pipelineRun", {**RUN, "status": "queued", "steps": steps}, actor=BOT)
    events = len(store.events(limit=1000))

    steps = [{"name": "fit", "status": "running", "startedAt": 5}]
    moved = catalog.put(
        "pipelineRun", {**RUN, "status": "running", "startedAt": 4, "steps": steps}, actor=BOT
    )

    stored = json.loads(catalog.get("pipelineRun", first.id).document)
    assert (stored["status"], stored["startedAt"], stored["steps"]) == ("running", 4, steps)
    assert moved.changed
    assert (moved.version, moved.rev) == ("0.1", first.rev + 1)
    assert moved.document == catalog.get("pipelineRun", first.id).document
    unmoved = ("version", "updatedAt", "updatedBy", "changeDescription")
    assert [stored.get(name) for name in unmoved] == [doc(first).get(name) for name in unmoved]
    assert len(store.events(limit=1000)) == events
    assert [each.version for each in catalog.versions("pipelineRun", first.id)] == ["0.1"]


def test_a_patch_of_a_status_alone_makes_no_version(catalog: CatalogService) -> None:
    made = catalog.put("pipelineRun", {**RUN, "status": "running"}, actor=ME)
    done = catalog.patch("pipelineRun", made.id, {"status": "completed", "endedAt": 9}, actor=ME)
    assert (doc(done)["status"], doc(done)["endedAt"], done.version) == ("completed", 9, "0.1")
    removed = catalog.patch("pipelineRun", made.id, {"endedAt": None}, actor=ME)
    assert "endedAt" not in doc(removed)
    assert removed.version == "0.1"


def test_the_same_status_again_writes_nothing(catalog: CatalogService, store: Store) -> None:
    catalog.put("pipelineRun", {**RUN, "status": "running"}, actor=BOT)
    before = store.sequence()
    assert not catalog.put("pipelineRun", {**RUN, "status": "running"}, actor=BOT).changed
    assert store.sequence() == before


def test_a_status_that_comes_with_a_change_is_no_change_of_its_own(
    catalog: CatalogService,
) -> None:
    catalog.put("pipelineRun", {**RUN, "status": "queued"}, actor=BOT)
    changed = catalog.put(
        "pipelineRun", {**RUN, "status": "running", "codeVersion": "4be1c02"}, actor=BOT
    )
    described = doc(changed)["changeDescription"]
    assert changed.version == "0.2"
    assert [each["name"] for each in described["fieldsAdded"]] == ["codeVersion"]
    assert "fieldsUpdated" not in described
