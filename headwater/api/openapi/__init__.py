"""The OpenAPI description: typed for every kind, made from the schemas and never by hand."""

from headwater.api.openapi.document import openapi_document

__all__ = ["openapi_document"]
