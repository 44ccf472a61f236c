"""The patch that ``update`` sends leads, by the server's own reading, to what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.catalog.patch import apply_patch
from headwater.schemas import Shape, kind
from headwater.sdk.patch import json_patch

names = st.sampled_from(["a", "b", "c", "d", "a/b", "~"])
text = st.sampled_from(["x", "y", ""])


def objects(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"name": names}, optional=optional)


def keyed(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(elements, max_size=4, unique_by=lambda element: element["name"])


tables = st.sampled_from([{"id": "1", "type": "table"}, {"id": "2", "type": "table"}])
sources = st.lists(
    objects(dataSource=tables, description=text),
    max_size=4,
    unique_by=lambda s: (s["name"], s.get("dataSource", {}).get("id")),
)
values = st.sampled_from([1, True, 1.0, None, [1], {"k": [True]}])
models = objects(
    description=text,
    mlStore=st.fixed_dictionaries({}, optional={"storage": text, "imageRepository": text}),
    mlFeatures=keyed(objects(description=text, featureSources=sources)),
    mlHyperParameters=keyed(objects(value=values)),
)
columns = keyed(objects(description=text, children=keyed(objects(description=text))))
data = objects(
    columns=columns, tableConstraints=st.lists(objects(columns=st.lists(names)), max_size=3)
)


def shape(name: str) -> Shape:
    return kind(name).shape


def sort_unordered(document: Any) -> Any:
    """The document with its lists in an order of their own, where order means nothing."""
    if isinstance(document, dict):
        return {name: sort_unordered(value) for name, value in document.items()}
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return sorted((sort_unordered(each) for each in document), key=repr_sorted)
    return document


def repr_sorted(value: Any) -> str:
    return repr(sorted(value.items(), key=lambda item: item[0]))


@given(models, models)
def test_a_patched_model_is_the_one_meant(before: Any, after: Any) -> None:
    patch = json_patch(before, after, shape("mlmodel"))
    assert sort_unordered(apply_patch(before, patch)) == sort_unordered(after)


@given(data, data)
def test_a_patched_table_has_its_columns_in_order(before: Any, after: Any) -> None:
    assert apply_patch(before, json_patch(before, after, shape("table"))) == after


@given(models)
def test_equal_documents_need_no_patch(document: Any) -> None:
    assert json_patch(document, document, shape("mlmodel")) == []


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), ([1], [True])])
def test_a_number_is_no_truth_value(old: Any, new: Any) -> None:
    before = {"mlHyperParameters": [{"name": "depth", "value": old}]}
    after = {"mlHyperParameters": [{"name": "depth", "value": new}]}
    path = "/mlHyperParameters/0/value"
    assert json_patch(before, after, shape("mlmodel")) == [
        {"op": "replace", "path": path, "value": new}
    ]


def test_moved_columns_are_moved_and_not_written_again() -> None:
    before = {"columns": [{"name": name} for name in "abc"]}
    after = {"columns": [{"name": name} for name in "cab"]}
    assert json_patch(before, after, shape("table")) == [
        {"op": "move", "from": "/columns/2", "path": "/columns/0"}
    ]


def test_elements_that_nothing_tells_apart_are_replaced_together() -> None:
    before: dict[str, Any] = {"mlFeatures": [{"name": "a"}]}
    after = {"mlFeatures": [{"name": "a"}, {"name": "a", "description": "x"}]}
    assert json_patch(before, after, shape("mlmodel")) == [
        {"op": "replace", "path": "/mlFeatures", "value": after["mlFeatures"]}
    ]
