"""Teams within teams: no circle, whichever way it would come to be."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.catalog import CatalogService, Written
from headwater.errors import InvalidInputError
from tests.services.shop import ME


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
