"""The catalog service: entities, their versions and the one write path."""

from headwater.catalog.bulk import BulkResult
from headwater.catalog.event import EventPage, EventService
from headwater.catalog.model_content import ModelContentService
from headwater.catalog.model_version import ModelVersionService
from headwater.catalog.read import Page
from headwater.catalog.search import SearchService
from headwater.catalog.service import CatalogService
from headwater.catalog.token import TokenService
from headwater.catalog.write import Derive
from headwater.catalog.written import Written
from headwater.store.draft import Actor

__all__ = [
    "Actor",
    "BulkResult",
    "CatalogService",
    "Derive",
    "EventPage",
    "EventService",
    "ModelContentService",
    "ModelVersionService",
    "Page",
    "SearchService",
    "TokenService",
    "Written",
]
