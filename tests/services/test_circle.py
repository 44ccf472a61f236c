"""Teams within teams, domains within domains: no circle, whichever way it would come to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.catalog.archive import export_catalog, import_catalog
from headwater.errors import ConflictError, InvalidInputError
from headwater.store import Store, open_store
from tests.services.shop import ME, tick


def team(catalog: CatalogService, name: str, *parents: str, **fields: Any) -> Written:
    return catalog.put("team", {"name": name, "parents": [*parents], **fields}, actor=ME)


@pytest.fixture
def chain(catalog: CatalogService) -> list[Written]:
    """Teams ``a`` in ``b`` in ``c``."""
    return [team(catalog, "c"), team(catalog, "b", "c"), team(catalog, "a", "b")][::-1]


@pytest.mark.usefixtures("chain")
def test_a_circle_is_refused_and_named(catalog: CatalogService) -> None:
    with pytest.raises(InvalidInputError, match="part of itself: c → a → b → c") as caught:
        team(catalog, "c", "a")
    assert [fault["pointer"] for fault in caught.value.errors] == ["/parents/0"]
    with pytest.raises(InvalidInputError, match="a → a"):
        team(catalog, "a", "b", "a")
    with pytest.raises(InvalidInputError, match="b → a → b"):
        catalog.patch("team", ("team", "b"), {"parents": ["c", "a"]}, actor=ME)


def test_a_renamed_team_is_still_the_same(catalog: CatalogService, chain: list[Written]) -> None:
    catalog.rename("team", chain[0].id, "crew", actor=ME)
    with pytest.raises(InvalidInputError, match="c → crew → b → c"):
        team(catalog, "c", "crew")


def test_many_paths_that_make_no_circle_are_fine(catalog: CatalogService) -> None:
    team(catalog, "top")
    for name in ("left", "right"):
        team(catalog, name, "top")
    both = team(catalog, "both", "left", "right", "top")
    assert len(json.loads(both.document)["parents"]) == 3


def test_a_bulk_cannot_make_a_circle(catalog: CatalogService) -> None:
    for name in "abc":
        team(catalog, name)
    items = [{"name": name, "parents": [above]} for name, above in ("ab", "bc", "ca")]
    result = catalog.put_bulk("team", items, actor=ME)
    assert [each.fqn for each in result.written] == ["a", "b"]
    assert [(each["index"], "c → a → b → c" in each["message"]) for each in result.failed] == [
        (2, True)
    ]


def test_a_revert_cannot_make_a_circle(catalog: CatalogService) -> None:
    team(catalog, "b")
    first = team(catalog, "a", "b")
    team(catalog, "a")
    team(catalog, "b", "a")
    with pytest.raises(InvalidInputError, match="a → b → a"):
        catalog.revert("team", first.id, "0.1", actor=ME)


def test_two_writers_do_not_make_a_circle_together(catalog: CatalogService) -> None:
    def parent(pair: str) -> bool:
        try:
            team(catalog, f"{pair[0]}{pair[2]}", f"{pair[1]}{pair[2]}")
        except InvalidInputError:
            return False
        return True

    for number in range(8):
        for name in "ab":
            team(catalog, f"{name}{number}")
        with ThreadPoolExecutor(2) as pool:
            made = [*pool.map(parent, (f"ab{number}", f"ba{number}"))]
        assert sorted(made) == [False, True]


def domain(catalog: CatalogService, name: str, above: str | None = None) -> Written:
    return catalog.put("domain", {"name": name, "domain": above}, actor=ME)


def test_domains_make_no_circle(catalog: CatalogService) -> None:
    domain(catalog, "c")
    domain(catalog, "b", "c")
    first = domain(catalog, "a", "b")
    writes: list[Callable[[], Any]] = [
        lambda: domain(catalog, "c", "a"),
        lambda: catalog.patch("domain", ("domain", "c"), {"domain": "a"}, actor=ME),
        lambda: catalog.patch("domain", first.id, {"domain": "a"}, actor=ME),
    ]
    for write in writes:
        with pytest.raises(InvalidInputError, match="a domain cannot be a part of itself") as told:
            write()
        assert [fault["pointer"] for fault in told.value.errors] == ["/domain"]
    for name in "xy":
        domain(catalog, name)
    items = [{"name": name, "domain": above} for name, above in ("xy", "yx")]
    (failed,) = catalog.put_bulk("domain", items, actor=ME).failed
    assert (failed["index"], failed["errors"][0]["pointer"]) == (1, "/domain")
    assert "y → x → y" in failed["message"]


def test_two_writers_do_not_make_a_circle_of_domains_together(catalog: CatalogService) -> None:
    def below(pair: tuple[str, str]) -> bool:
        try:
            domain(catalog, *pair)
        except InvalidInputError:
            return False
        return True

    for number in range(8):
        a, b = f"a{number}", f"b{number}"
        domain(catalog, a)
        domain(catalog, b)
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(below, ((a, b), (b, a)))) == [False, True]


def test_a_merge_cannot_make_a_circle(
    store: Store, catalog: CatalogService, tmp_path: Path
) -> None:
    file = tmp_path / "other.ndjson"
    for name in ("a", "b"):
        domain(catalog, name)
        team(catalog, name)
    export_catalog(store, file)
    with closing(open_store("sqlite://")) as other:
        import_catalog(other, file)
        there = CatalogService(other)
        tick()  # the later state of each is taken
        domain(there, "a", "b")
        team(there, "a", "b")
        export_catalog(other, file, replace=True)
    domain(catalog, "b", "a")
    team(catalog, "b", "a")
    before = store.sequence()
    with pytest.raises(ConflictError, match=r"domain 'a': a domain cannot .*: a → b → a") as told:
        import_catalog(store, file, merge=True)
    assert "team 'a'" in told.value.message
    assert store.sequence() == before
