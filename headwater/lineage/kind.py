"""Kinds of nodes that lineage treats in a way of their own; schemas say what else there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.schemas import kinds
from headwater.schemas.kind import Shape

COLUMN = "column"
FEATURE = "mlFeature"
UNRESOLVED = "featureSource"
"""A feature source whose column is not known. It is no part that a schema declares."""

FEATURES = frozenset({FEATURE, UNRESOLVED})
"""Parts that lead to their own entity."""

MODEL = "mlmodel"
VERSION = "modelVersion"
MODELS = frozenset({MODEL, VERSION})
"""What an impact names."""

WORDS = frozenset({"tag", "classification"})
"""What is put on data, and is none."""


def holders() -> frozenset[str]:
    """Kinds that only hold what has lineage: services, databases and their schemas."""
    return frozenset(
        k for k in kinds() if k.endswith("Service") or k in ("database", "databaseSchema")
    )


def known_kinds() -> frozenset[str]:
    """Every kind that a node can have."""
    parts = {str(field.part) for kind in kinds().values() for field in kind.parts}
    return frozenset(kinds()) | parts | {UNRESOLVED}


def parts_in(shape: Shape, holder: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts that a document holds, nested ones too: the kind and the element of each."""
    for field in shape.fields.values():
        if field.part and field.shape:
            for element in field.elements(holder):
                yield field.part, element
                yield from parts_in(field.shape, element)
