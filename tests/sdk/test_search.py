"""Searching from Python."""

from __future__ import annotations

import pytest

from headwater import CreateMlModel, Headwater, InvalidInputError, MlModel, Table


def test_words_find_entities_of_every_kind_as_their_classes(
    hw: Headwater, customers: Table
) -> None:
    model = hw.create(CreateMlModel(name="churn", algorithm="A", description="Which customers go"))
    found = hw.search("customer*")
    assert {type(each) for each in found} == {Table, MlModel}
    assert len(found) == found.total == 2
    assert not found.approximate
    assert found.facets["kind"] == {"mlmodel": 1, "table": 1}
    assert list(hw.search("customer*", kind=MlModel)) == [model]
    assert list(hw.search(kind=["tables"], service="shop")) == [customers]
    assert "2 of 2" in repr(found)


def test_pages_of_hits_follow_each_other(hw: Headwater) -> None:
    for name in "abc":
        hw.create(CreateMlModel(name=f"churn {name}", algorithm="A"))
    pages = [hw.search("churn", kind="mlmodel", limit=2, offset=n) for n in (0, 2)]
    assert [len(page) for page in pages] == [2, 1]
    assert len({each.name for page in pages for each in page}) == 3


def test_a_hit_can_be_changed_and_written(hw: Headwater) -> None:
    hw.create(CreateMlModel(name="churn", algorithm="A"))
    (hit,) = hw.search("churn", kind=MlModel)
    hit.algorithm = "B"
    assert hw.update(hit).version == "1.0"


def test_a_kind_that_nobody_knows_is_refused(hw: Headwater) -> None:
    with pytest.raises(InvalidInputError, match="the kinds are"):
        hw.search("x", kind="nonsense")
