"""The schemas: what kinds there are and what their documents look like."""

from headwater.schemas.check import check_schemas
from headwater.schemas.folder import use_folder
from headwater.schemas.kind import Field, Kind, Shape
from headwater.schemas.registry import (
    documents,
    extension_file,
    find_document,
    find_kind,
    is_same_everywhere,
    kind,
    kinds,
    schema_document,
    shape_of,
)

__all__ = [
    "Field",
    "Kind",
    "Shape",
    "check_schemas",
    "documents",
    "extension_file",
    "find_document",
    "find_kind",
    "is_same_everywhere",
    "kind",
    "kinds",
    "schema_document",
    "shape_of",
    "use_folder",
]
