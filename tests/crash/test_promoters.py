"""Fifty processes promote fifty versions of a model at once: one is served, history adds up."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator

import pytest

from headwater.catalog import Actor, CatalogService
from headwater.lineage import derive
from headwater.store import open_store
from tests.crash.promoter import promote
from tests.crash.test_kill import url  # noqa: F401  (the fixture)

PROMOTERS = 50
MODEL = ("mlmodel", "headwater.churn")
ME = Actor()


@pytest.fixture
def catalog(url: str) -> Iterator[CatalogService]:  # noqa: F811
    store = open_store(url)
    yield CatalogService(store, derive=derive)
    store.close()


def race(url: str, version_ids: list[str], *, force: bool) -> dict[str, str | None]:  # noqa: F811
    """What each promoter was answered: None, or why it was refused."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.crash.promoter", "headwater.store.sqlite", "neo4j"])
    barrier, told = processes.Barrier(len(version_ids)), processes.Queue()
    running = [
        processes.Process(target=promote, args=(url, id_, force, barrier, told), daemon=True)
        for id_ in version_ids
    ]
    for process in running:
        process.start()
    answers = dict(told.get(timeout=300) for _ in running)
    for process in running:
        process.join()
    return answers


@pytest.mark.parametrize("force", [False, True], ids=["asked", "forced"])
def test_one_of_fifty_promoters_wins(url: str, catalog: CatalogService, force: bool) -> None:  # noqa: F811
    made = [catalog.create_model_version(MODEL, {}, actor=ME).id for _ in range(PROMOTERS)]
    answers = race(url, made, force=force)
    assert answers.keys() == set(made)

    refused = {id_: why for id_, why in answers.items() if why is not None}
    assert all("is in production" in why and "version '" in why for why in refused.values())
    assert len(refused) == (0 if force else PROMOTERS - 1)

    summary = json.loads(catalog.get(*MODEL[:1], MODEL).document)["lifecycle"]
    (serving,) = summary["stages"][0]["versions"]
    assert summary["serving"] == serving
    stages = [json.loads(catalog.model_versions.get(id_).document)["stage"] for id_ in made]
    assert stages.count("production") == 1
    assert stages.count("archived") == (PROMOTERS - 1 if force else 0)

    moves = catalog.model_versions.history(MODEL, limit=1000)[::-1]
    data = [(each.key, json.loads(each.data)) for each in moves]
    promoted = [key for key, move in data if move["to"] == "production"]
    archived = [key for key, move in data if move["to"] == "archived"]
    assert len(promoted) == len(set(promoted)) == (PROMOTERS if force else 1)
    assert promoted[-1] == serving["id"]
    assert archived == promoted[:-1], "each was archived by the next one"
    at = [each.at for each in moves]
    assert at == sorted(at)
