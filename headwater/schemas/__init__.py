"""The schemas: what kinds there are and what their documents look like."""

from headwater.schemas.kind import Kind, ListField, ReferenceField
from headwater.schemas.registry import documents, find_kind, kind, kinds, schema_document
from headwater.schemas.validate import validate_document

__all__ = [
    "Kind",
    "ListField",
    "ReferenceField",
    "documents",
    "find_kind",
    "kind",
    "kinds",
    "schema_document",
    "validate_document",
]
