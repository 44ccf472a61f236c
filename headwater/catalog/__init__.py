"""The catalog service: entities, their versions and the one write path."""

from headwater.catalog.service import BulkResult, CatalogService, Page, Written
from headwater.catalog.write import Derive
from headwater.store.draft import Actor

__all__ = ["Actor", "BulkResult", "CatalogService", "Derive", "Page", "Written"]
