"""Features out of the inputs of a signature."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.connectors.mlflow_feature import features_of


@pytest.mark.parametrize(
    ("spec", "data_type", "source_type"),
    [
        ({"type": "long"}, "numerical", "integer"),
        ({"type": "double"}, "numerical", "number"),
        ({"type": "string"}, "categorical", "string"),
        ({"type": "boolean"}, "categorical", "boolean"),
        ({"type": "datetime"}, "numerical", "timestamp"),
        ({"type": "binary"}, "categorical", None),
        ({"type": "array", "items": {"type": "double"}}, "numerical", "array"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
         "categorical", "array"),
        ({"type": "object", "properties": {}}, "categorical", "object"),
        ({"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}},
         "numerical", "array"),
        ({"type": "tensor", "tensor-spec": {"dtype": "str"}}, "categorical", "array"),
        ({"type": "new in MLflow 4"}, "categorical", None),
    ],
)  # fmt: skip
def test_types_are_mapped(spec: Any, data_type: str, source_type: str | None) -> None:
    (feature,) = features_of([{"name": "x", **spec}])
    assert feature["dataType"] == data_type
    assert feature.get("sourceType") == source_type


def test_inputs_without_a_name_are_no_features_but_for_a_single_tensor() -> None:
    tensor = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}
    assert [each["name"] for each in features_of([tensor])] == ["input"]
    assert features_of([tensor, tensor]) == []
    assert features_of([{"type": "string"}]) == []


@pytest.mark.parametrize("inputs", [None, "text", {}, [None], [{"name": 7}], [{"name": "a\nb"}]])
def test_what_is_no_signature_has_no_features(inputs: Any) -> None:
    assert features_of(inputs) == []
