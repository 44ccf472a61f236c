"""Types of columns, as databases spell them."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.connectors.sql_type import type_fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("integer", {"dataType": "INTEGER"}),
        ("DOUBLE PRECISION", {"dataType": "DOUBLE PRECISION"}),
        ("VARCHAR(20)", {"dataType": "VARCHAR", "dataLength": 20}),
        ("DECIMAL(10, 2)", {"dataType": "DECIMAL", "precision": 10, "scale": 2}),
        ("NUMERIC(8)", {"dataType": "NUMERIC", "precision": 8}),
        ("TIMESTAMP(3) WITH TIME ZONE", {"dataType": "TIMESTAMP WITH TIME ZONE"}),
        ("ENUM('a', 'b (c)')", {"dataType": "ENUM"}),
        ("INTEGER[]", {"dataType": "ARRAY", "arrayDataType": "INTEGER"}),
        ("MAP(VARCHAR, INTEGER)", {"dataType": "MAP"}),
        (
            'STRUCT(x INTEGER, "y z" VARCHAR)',
            {
                "dataType": "STRUCT",
                "children": [
                    {"name": "x", "dataType": "INT", "dataTypeDisplay": "INT"},
                    {"name": "y z", "dataType": "TEXT", "dataTypeDisplay": "TEXT"},
                ],
            },
        ),
        ("(odd[", {"dataType": "UNKNOWN"}),
    ],
)
def test_a_type_is_told_with_its_sizes_and_parts(text: str, expected: dict[str, Any]) -> None:
    assert type_fields(text, "duckdb") == expected | {"dataTypeDisplay": text}


def test_a_column_without_a_type_is_unknown() -> None:
    assert type_fields("", "sqlite") == {"dataType": "UNKNOWN"}
